"""Checks a host: auditd, the kernel, audit rules, and the setup of laurel-mp.

Nothing here changes the host, and every access has a deadline.
"""

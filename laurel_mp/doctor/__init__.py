"""Looks at a host and says what will hurt: checks of auditd, the kernel, and our own surroundings.

Nothing here changes anything on the host, and nothing may wait for ever.
"""

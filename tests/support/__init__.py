"""Helpers of several tests: captures, a real auditd, waiting for conditions."""

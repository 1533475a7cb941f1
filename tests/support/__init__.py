"""What several tests need: real captures, a real auditd, waiting for things to happen."""

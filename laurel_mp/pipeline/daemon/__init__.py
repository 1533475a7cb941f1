"""Plugin mode: the process that auditd starts, from the first signal to the state file."""

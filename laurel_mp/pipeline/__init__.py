"""The stages as running processes: daemon, supervisor, runner, and what they share."""

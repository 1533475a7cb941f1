"""JSON lines back into audit lines: the way that `records` and `events` went, in reverse."""

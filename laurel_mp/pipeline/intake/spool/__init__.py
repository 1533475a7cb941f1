"""The spool: input that waits on disk while outputs stall."""

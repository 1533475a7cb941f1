"""Input that waits on disk while outputs stall."""

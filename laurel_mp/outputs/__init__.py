"""Sinks: files, pipes, programs and sockets that lines are written to."""

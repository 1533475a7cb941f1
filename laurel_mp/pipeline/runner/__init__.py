"""Runs the stages behind the router: in one process, or in several over ZeroMQ."""

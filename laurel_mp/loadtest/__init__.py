"""Streams of any length for tests under load, and the measurements made with them."""

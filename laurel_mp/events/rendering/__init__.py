"""Renders the records of an event as JSON."""

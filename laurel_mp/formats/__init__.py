"""Event formats: how an event is written."""

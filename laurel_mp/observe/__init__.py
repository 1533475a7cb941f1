"""Observability: logging, counters, status document, metrics."""

"""Counters of all processes, in memory that ingest can read at any time."""

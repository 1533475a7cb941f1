"""Joins lines into events, line by line: the definition of what is right."""

"""Reads audit records, cuts them into lines, and keeps what cannot be handed over yet."""

"""The stages as running processes, and what flows between them."""

"""The process table, facts from /proc, and the members of the output made of them."""

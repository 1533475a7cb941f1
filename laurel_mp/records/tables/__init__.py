"""Numbers and names of the kernel's audit interface, generated from data/*.csv by generate.py."""

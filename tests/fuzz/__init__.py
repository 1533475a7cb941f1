"""Fuzzing: targets, mutation that knows the input's structure, and the command that runs them."""

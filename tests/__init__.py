"""Tests of laurel_mp; `python3 -m tests` sets everything up and runs them all."""

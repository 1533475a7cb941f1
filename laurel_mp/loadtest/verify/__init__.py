"""Compares the output for a flood with the truth of the flood."""

from laurel_mp.loadtest.verify.comparison import WINDOW, verify
from laurel_mp.loadtest.verify.verdict import KINDS, Example, Verdict

__all__ = ["KINDS", "WINDOW", "Example", "Verdict", "verify"]

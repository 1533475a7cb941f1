"""Compare what laurel-mp has made of a flood with what the flood knows to be true."""

from laurel_mp.loadtest.verify.comparison import WINDOW, verify
from laurel_mp.loadtest.verify.report import KINDS, Example, Report

__all__ = ["KINDS", "WINDOW", "Example", "Report", "verify"]

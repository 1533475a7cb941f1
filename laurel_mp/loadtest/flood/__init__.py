"""Synthetic audit streams: processes that fork, execute, do something and exit."""

from laurel_mp.loadtest.flood.generator import Flood
from laurel_mp.loadtest.flood.options import Options, Tree

__all__ = ["Flood", "Options", "Tree"]

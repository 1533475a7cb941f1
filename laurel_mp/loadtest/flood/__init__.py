"""Synthetic audit streams: processes that fork, execute, do something and exit."""

from laurel_mp.loadtest.flood.flood_options import Options, Tree
from laurel_mp.loadtest.flood.generator import Flood

__all__ = ["Flood", "Options", "Tree"]

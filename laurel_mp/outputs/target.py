"""What is to be known of an output before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from laurel_mp.outputs.acl import NOBODY, Readers

Fsync = Literal["checkpoint", "rotation", "never"]


@dataclass(frozen=True, slots=True)
class Target:
    """An output by its name, and what holds for it if it is a regular file."""

    name: str
    """A path, `-`, `| program arguments` or `unix:/path`."""
    size: int = 0
    """Bytes beyond which a file does not grow; 0 for no limit."""
    generations: int = 0
    """How many former files are kept."""
    readers: Readers = NOBODY
    fsync: Fsync = "never"

    @property
    def is_path(self) -> bool:
        """Whether it is a place in the file system that is opened as a file."""
        return self.name != "-" and not self.name.startswith(("|", "unix:"))

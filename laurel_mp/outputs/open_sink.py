"""The interface of an open sink."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

Wrote = Callable[[int], None]
"""Takes the number of bytes of a text that are written so far."""


def ignore(_size: int) -> None:
    """A `Wrote` that does nothing."""


class Mark(NamedTuple):
    """A position in a regular file. The file itself shows later how much was written since."""

    path: str
    device: int
    inode: int
    offset: int


class OpenSink(ABC):
    """Writes whole lines. Not for use from several threads."""

    name: str
    """Name in messages."""

    @abstractmethod
    def write(self, text: bytes, wrote: Wrote = ignore, start: int = 0) -> None:
        """Writes `text` from `start` on; `text` begins and ends at a line border.

        Returns when all of it is written. Waits for failures to pass as its stall policy says;
        raises OutputError if waiting cannot help. Calls `wrote` on the way; its number may go
        back by part of a line. A sink that converts or frames lines reports positions in `text`,
        at line borders.
        """

    def resume(self, text: bytes = b"", torn: int = 0) -> int:  # noqa: ARG002
        """Continues where an earlier writer stopped; call it once, before all writing.

        `text` is what that writer left, of which `torn` bytes, part of the first line, were
        written. Returns the position in `text` from which it is to be written.
        """
        return 0

    def mark(self) -> Mark | None:
        """Position of the next byte, if this is a regular file."""
        return None

    def rotate(self) -> None:  # noqa: B027 - most sinks have nothing to rotate
        """Begins a new file, if this is a file."""

    def tick(self) -> None:  # noqa: B027 - most sinks need no care
        """Notices changes from outside: about once a second, and before each write."""

    def sync(self) -> None:  # noqa: B027 - only files can be synced
        """Flushes written lines to the disk, if the sink is configured so."""

    @abstractmethod
    def close(self) -> None:
        """Closes the sink."""

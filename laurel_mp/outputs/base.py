"""What all outputs have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

Wrote = Callable[[int], None]
"""Told how many bytes of a text are written by now."""


def ignore(_size: int) -> None:
    """For those who need not know."""


class Mark(NamedTuple):
    """A place in a regular file: how much is written can be seen from the file itself later."""

    path: str
    device: int
    inode: int
    offset: int


class Output(ABC):
    """Takes whole lines. Not for use from several threads."""

    name: str
    """What to call it in messages."""

    @abstractmethod
    def write(self, text: bytes, wrote: Wrote = ignore, start: int = 0) -> None:
        """Writes `text` from `start` on; `text` begins and ends at a line border.

        Returns when all of it is written; raises OutputError only where it makes no sense to
        wait. What is written now and then goes to `wrote`; it may go back by part of a line.
        """

    def resume(self, text: bytes = b"", torn: int = 0) -> int:  # noqa: ARG002
        """Goes on where a former writer ended; to be called once, before all writing.

        `text` is what it has left, of which `torn` bytes, part of the first line, were written.
        Returns from where on the text is to be written.
        """
        return 0

    def mark(self) -> Mark | None:
        """Where the next byte will stand, if that can be said."""
        return None

    def rotate(self) -> None:  # noqa: B027 - most outputs have nothing to rotate
        """Begins a new file, if this is a file."""

    def tick(self) -> None:  # noqa: B027 - most outputs need no care
        """Looks after what may have happened meanwhile; before something is written, too."""

    def sync(self) -> None:  # noqa: B027 - only files can be brought to a disk
        """Brings what is written to the disk, if it is to be."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of the output."""

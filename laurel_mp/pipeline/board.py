"""What each process has in hand, where ingest can see it also after the process has died."""

from __future__ import annotations

import mmap

SLOTS = 512


class Board:
    """One number for each process, in memory that children share."""

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 8 * SLOTS)).cast("Q")

    def note(self, slot: int, batch: int) -> None:
        """The process of a slot begins with a batch; 0 if it has none in hand."""
        self._numbers[slot] = batch

    def read(self, slot: int) -> int:
        """The batch that the process of a slot has, or had, in hand."""
        return self._numbers[slot]

    def clear(self) -> None:
        """Nobody has anything in hand."""
        for slot in range(SLOTS):
            self._numbers[slot] = 0

"""What each process has in hand, and what it has counted, where ingest can see it at any time.

It is memory that all processes share. To note something costs a store, and nobody is woken by it;
and what a process has noted is still there when it has died.
"""

from __future__ import annotations

import mmap

SLOTS = 512

INLINE = SLOTS - 1
"""The slot of all stages in one process."""

ROW = 64
"""Numbers that a process can note besides the batch that it has in hand."""


class Scoreboard:
    """One number for each process, and a row of some, in memory that children share."""

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 8 * SLOTS)).cast("Q")
        self._rows = memoryview(mmap.mmap(-1, 8 * SLOTS * ROW)).cast("Q")

    def note(self, slot: int, batch: int) -> None:
        """The process of a slot begins with a batch; 0 if it has none in hand."""
        self._numbers[slot] = batch

    def read(self, slot: int) -> int:
        """The batch that the process of a slot has, or had, in hand."""
        return self._numbers[slot]

    def row(self, slot: int) -> memoryview:
        """What the process of a slot has noted besides, to be read and written: unsigned 64 bits.

        A store is one piece: whoever reads sees the former number or the new one.
        """
        return self._rows[slot * ROW : (slot + 1) * ROW]

    def clear(self) -> None:
        """Nobody has anything in hand."""
        for slot in range(SLOTS):
            self._numbers[slot] = 0

"""The scoreboard: each process's current batch and counts, in memory that ingest shares.

A write costs a store and wakes no process. The values outlive the process that wrote them.
"""

from __future__ import annotations

import mmap

SLOTS = 512

INLINE = SLOTS - 1
"""The slot of ingest when it runs all stages."""

ROW = 64
"""Numbers per process besides the current batch."""


class Scoreboard:
    """The current batch and a row of numbers for each process, in shared memory."""

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 8 * SLOTS)).cast("Q")
        self._rows = memoryview(mmap.mmap(-1, 8 * SLOTS * ROW)).cast("Q")

    def set_batch(self, slot: int, batch: int) -> None:
        """Stores the batch that the process of a slot works on; 0 for none."""
        self._numbers[slot] = batch

    def batch(self, slot: int) -> int:
        """Returns the batch that the process of a slot works on, or worked on when it ended."""
        return self._numbers[slot]

    def row(self, slot: int) -> memoryview:
        """Returns the other numbers of a slot, for reading and writing: unsigned 64 bits.

        A store is atomic: a reader sees the former number or the new one.
        """
        return self._rows[slot * ROW : (slot + 1) * ROW]

    def clear(self) -> None:
        """Sets the batches of all slots to 0."""
        for slot in range(SLOTS):
            self._numbers[slot] = 0

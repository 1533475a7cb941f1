"""Decides when checkpoints are due: often, for a quick recovery, but not more than is cheap."""

from __future__ import annotations

import time

CHECKPOINT_SECONDS = 2.0
"""Greatest age of a checkpoint while there are batches; more if it is large."""

LONGEST_PERIOD = 10.0
"""Greatest age of a large checkpoint."""

WORTH_A_SECOND = 8 << 20
"""Bytes: with a full process table a checkpoint has 7 MiB, and costs 25 ms in all processes."""

QUIET, BUSY = 10, 100
"""Multiples of its cost until the next checkpoint, without and with recent input. At 400
execs a second checkpoints would take a twentieth of what all the rest takes; when it has become
quiet, memory is given back behind them."""

UNCOVERED = 4
"""This part of the window makes a checkpoint due, unless it costs too much."""


class Schedule:
    """Counts the bytes since the last barrier, and knows the cost of a checkpoint."""

    def __init__(self) -> None:
        self._since_barrier = 0
        """Bytes."""
        self._last_barrier = self._last_kept = time.monotonic()
        self._costs = 0.0
        """Least seconds between checkpoints, by the size of the last one."""

    def keep(self, cost: int, most_kept: int) -> bool:
        """Counts a batch of `cost` bytes; returns True if a barrier is due with it.

        `most_kept` is the size of the window.
        """
        self._since_barrier += cost
        self._last_kept = time.monotonic()
        waited = self._last_kept - self._last_barrier
        return (
            self._since_barrier >= most_kept * 3 // 4
            or (self._since_barrier >= most_kept // UNCOVERED and waited >= self._costs)
            or waited >= self.period
        )

    def begin(self) -> None:
        """Notes that the last batch has a barrier."""
        self._since_barrier = 0
        self._last_barrier = self._last_kept

    def made(self, size: int) -> None:
        """Notes the size of a checkpoint."""
        self._costs = size / WORTH_A_SECOND

    @property
    def period(self) -> float:
        """Greatest age of a checkpoint while there are batches."""
        is_quiet = time.monotonic() - self._last_kept >= CHECKPOINT_SECONDS
        wanted = self._costs * (QUIET if is_quiet else BUSY)
        return min(max(CHECKPOINT_SECONDS, wanted), LONGEST_PERIOD)

    def left(self, *, is_covered: bool) -> float:
        """Returns the seconds until a barrier is due without input, or until to ask again.

        `is_covered` is true if a checkpoint covers all batches.
        """
        period = CHECKPOINT_SECONDS if is_covered else self.period
        left = self._last_barrier + period - time.monotonic()
        return max(min(left, CHECKPOINT_SECONDS), 0.0)  # it may become quiet before that

"""When there is a checkpoint: soon enough to go on quickly, and seldom enough to cost little."""

from __future__ import annotations

import time

CHECKPOINT_SECONDS = 2.0
"""How old a checkpoint may become while there is something to do; more if it is a large one."""

LONGEST_PERIOD = 10.0
"""How old a large one may become."""

WORTH_A_SECOND = 8 << 20
"""Bytes: with a full process table a checkpoint has 7 MiB, and costs 25 ms in all processes."""

QUIET, BUSY = 10, 100
"""How many times that long it is to the next checkpoint, by whether something came lately. At 400
execs a second checkpoints would take a twentieth of what all the rest takes; when it has become
quiet, memory is given back behind them."""

UNCOVERED = 4
"""With that part of what may be kept there is another checkpoint, unless it costs too much."""


class Schedule:
    """Knows what came since the last barrier, and what a checkpoint costs."""

    def __init__(self) -> None:
        self._since_barrier = 0
        """Bytes."""
        self._last_barrier = self._last_kept = time.monotonic()
        self._costs = 0.0
        """Seconds that should lie between checkpoints at least, by the size of the last one."""

    def keep(self, cost: int, most_kept: int) -> bool:
        """A batch takes `cost` of `most_kept` bytes; whether a barrier is due with it."""
        self._since_barrier += cost
        self._last_kept = time.monotonic()
        waited = self._last_kept - self._last_barrier
        return (
            self._since_barrier >= most_kept * 3 // 4
            or (self._since_barrier >= most_kept // UNCOVERED and waited >= self._costs)
            or waited >= self.period
        )

    def begin(self) -> None:
        """The batch that was kept last has a barrier."""
        self._since_barrier = 0
        self._last_barrier = self._last_kept

    def made(self, size: int) -> None:
        """There is a checkpoint of so many bytes."""
        self._costs = size / WORTH_A_SECOND

    @property
    def period(self) -> float:
        """How old a checkpoint may become while there is something to do."""
        is_quiet = time.monotonic() - self._last_kept >= CHECKPOINT_SECONDS
        wanted = self._costs * (QUIET if is_quiet else BUSY)
        return min(max(CHECKPOINT_SECONDS, wanted), LONGEST_PERIOD)

    def left(self, *, is_covered: bool) -> float:
        """Seconds until a barrier is due although nothing comes, or until to ask that again.

        `is_covered` says that there is nothing to be told but that all is as it was.
        """
        period = CHECKPOINT_SECONDS if is_covered else self.period
        left = self._last_barrier + period - time.monotonic()
        return max(min(left, CHECKPOINT_SECONDS), 0.0)  # it may become quiet before that

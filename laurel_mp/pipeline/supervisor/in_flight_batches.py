"""Batches that were handed over and are not written yet."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Waiting(NamedTuple):
    """Batches that wait for a process, or that it is working on."""

    batches: int
    bytes: int
    since: float | None
    """When the oldest of them arrived; None if nothing waits."""


class _HandedOver(NamedTuple):
    number: int
    cost: int
    since: float


class InFlightBatches:
    """Keeps number, size and age of each batch in flight, in order."""

    def __init__(self) -> None:
        self._batches: deque[_HandedOver] = deque()
        self.bytes = 0

    def add(self, number: int, cost: int, since: float) -> None:
        """Adds a batch of `cost` bytes, which arrived at `since`."""
        self._batches.append(_HandedOver(number, cost, since))
        self.bytes += cost

    def written(self, number: int) -> None:
        """Removes all batches up to this one."""
        while self._batches and self._batches[0].number <= number:
            self.bytes -= self._batches.popleft().cost

    def waiting(self, done: int, upto: int | None = None) -> Waiting:
        """Returns what waits for a process that has done batch `done`.

        Batches behind `upto` have not reached that process.
        """
        batches = size = 0
        since = None
        for number, cost, came in self._batches:
            if upto is not None and number > upto:
                break
            if number > done:
                batches += 1
                size += cost
                since = came if since is None else since
        return Waiting(batches, size, since)

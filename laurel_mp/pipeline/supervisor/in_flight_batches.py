"""Batches that were handed over and are not written."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Waiting(NamedTuple):
    """What of the batches under way waits for a process, or is in its hand."""

    batches: int
    bytes: int
    since: float | None
    """When the oldest of it came; None if nothing waits."""


class _HandedOver(NamedTuple):
    number: int
    cost: int
    since: float


class InFlightBatches:
    """These batches, in their order."""

    def __init__(self) -> None:
        self._batches: deque[_HandedOver] = deque()
        self.bytes = 0

    def add(self, number: int, cost: int, since: float) -> None:
        """A batch was handed over that takes `cost` bytes, and came at `since`."""
        self._batches.append(_HandedOver(number, cost, since))
        self.bytes += cost

    def written(self, number: int) -> None:
        """All batches up to this one are written."""
        while self._batches and self._batches[0].number <= number:
            self.bytes -= self._batches.popleft().cost

    def clear(self) -> None:
        """None of them is under way any more."""
        self._batches.clear()
        self.bytes = 0

    def waiting(self, done: int, upto: int | None = None) -> Waiting:
        """What waits for a process that has done batch `done`, up to the batch that it can have."""
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

"""Counts events out of order, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left


class Order:
    """Counts the numbers of a sequence that would have to be moved for it to rise.

    That is all numbers outside the longest rising subsequence. `_ends` has, for each length from
    `_settled + 1` on, the smallest number with which a rising subsequence of that length ends.
    """

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._settled = 0
        self._added = 0

    @property
    def misplaced(self) -> int:
        """Number of those so far that would have to be moved."""
        return self._added - self._settled - len(self._ends)

    @property
    def unsettled(self) -> int:
        """Number of those in memory."""
        return len(self._ends)

    def add(self, number: int) -> bool:
        """Adds a new number; returns True if none before it is higher."""
        self._added += 1
        ends = self._ends
        if not ends or number > ends[-1]:
            ends.append(number)
            return True
        ends[bisect_left(ends, number)] = number
        return False

    def settle(self, below: int) -> None:
        """Forgets numbers that no later one can affect: all of those will be `below` or higher."""
        settled = bisect_left(self._ends, below)
        self._settled += settled
        del self._ends[:settled]

"""A bounded memory of what was rendered before."""

from __future__ import annotations

from array import array
from typing import Generic, TypeVar

Value = TypeVar("Value")

MAX_KEY = 16384
"""Longer texts are not remembered: they hardly ever come again."""


class BoundedCache(dict[bytes, Value], Generic[Value]):
    """Rendered pieces by the text that they were rendered from.

    It is looked up as the dictionary that it is. When its keys exceed `limit` bytes it starts
    anew: cheaper than to note what was used when, and what repeats is back in no time.
    """

    __slots__ = ("clearings", "limit", "size")

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.size = 0
        self.clearings = 0

    def remember(self, key: bytes, value: Value) -> None:
        """Keeps `value` for `key`, if it is not too long."""
        if len(key) > MAX_KEY:
            return
        self.size += len(key) + 100  # what a dictionary entry costs beside the key
        if self.size > self.limit:
            self.clear()
            self.size = len(key)
            self.clearings += 1
        self[key] = value

    def forget(self) -> None:
        """Drops all."""
        self.clear()
        self.size = 0


class CacheBypass:
    """Whether it is worth to look something up in a memo at all, by how often it was there lately.

    Where it mostly is not, as many questions are not asked; each time when that is found again,
    twice as many are not, up to `MOST_ROUNDS` times, so that it is noticed when it changes.
    """

    MOST_ROUNDS = 32
    ENOUGH = 256
    """So many questions tell something."""

    __slots__ = ("_asked", "_balance", "_left", "_missed", "_rounds")

    def __init__(self) -> None:
        self._asked = self._missed = self._balance = 0
        self._rounds = 1
        """How many times as many questions are not asked if those that are find little."""
        self._left = 0
        """Questions to come that are not asked."""

    def __call__(self) -> bool:
        """Whether to look from now on; what comes of it is to be noted."""
        return self._left <= 0

    def note(self, asked: int, missed: int) -> None:
        """So many questions were asked, and so many had no answer."""
        self._asked += asked
        self._missed += missed
        if self._asked < self.ENOUGH:
            return
        if self._missed * 3 > self._asked * 2:
            self._left = self._rounds * self._asked
            self._rounds = min(2 * self._rounds, self.MOST_ROUNDS)
        else:
            self._rounds = 1
        self._asked = self._missed = 0

    def note_others(self, taken: int, others: int) -> None:
        """Nobody looked: so many went well without, and others did not.

        Where more do not, it is time to look.
        """
        self._left -= taken + others
        self._balance = max(0, self._balance + others - taken)
        if self._balance >= self.ENOUGH:
            self._balance = self._left = 0
            self._rounds = 1


class Doorkeeper:
    """Which hashes came before: the latest two of each slot of a table."""

    __slots__ = ("_before", "_last", "_slots")

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._last = array("q", bytes(8 * slots))
        self._before = array("q", bytes(8 * slots))

    def again(self, found: int) -> bool:
        """Notes a hash; whether it came before."""
        slot = found % self._slots
        last = self._last[slot]
        if found in (last, self._before[slot]):
            return True
        self._last[slot], self._before[slot] = found, last
        return False


class SecondHitCache(BoundedCache[Value]):
    """A memo that keeps what comes for the second time.

    What never repeats would only push out what does, and to keep it costs more than to render
    it.
    """

    __slots__ = ("_again",)

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._again = Doorkeeper(1 << 14).again

    def remember(self, key: bytes, value: Value) -> None:
        """Keeps `value` for `key`, if it is not too long, and has come before."""
        if self._again(hash(key)):
            super().remember(key, value)

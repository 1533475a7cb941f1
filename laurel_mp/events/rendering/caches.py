"""Bounded caches of rendered text."""

from __future__ import annotations

from array import array
from typing import Generic, TypeVar

Value = TypeVar("Value")

MAX_KEY = 16384
"""Bytes of a key. Longer texts are not cached: they hardly ever repeat."""


class BoundedCache(dict[bytes, Value], Generic[Value]):
    """Keeps rendered text by the text that it was rendered from.

    Look-ups are those of the dictionary. The cache is cleared when its keys exceed `limit` bytes:
    that is cheaper than to track the use of each entry, and what repeats is back soon.
    """

    __slots__ = ("clearings", "limit", "size")

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.size = 0
        self.clearings = 0

    def remember(self, key: bytes, value: Value) -> None:
        """Keeps `value` for `key`, unless the key is too long."""
        if len(key) > MAX_KEY:
            return
        self.size += len(key) + 100  # cost of a dictionary entry beside the key
        if self.size > self.limit:
            self.clear()
            self.size = len(key)
            self.clearings += 1
        self[key] = value

    def forget(self) -> None:
        """Drops all entries."""
        self.clear()
        self.size = 0


class CacheBypass:
    """Skips cache look-ups while the hit rate is low.

    After a round of look-ups with few hits, the cache is bypassed for as many as were in the round.
    Each further such round doubles that, up to `MOST_ROUNDS` times, so that a change is noticed.
    """

    MOST_ROUNDS = 32
    ENOUGH = 256
    """Look-ups that make a round."""

    __slots__ = ("_asked", "_balance", "_left", "_missed", "_rounds")

    def __init__(self) -> None:
        self._asked = self._missed = self._balance = 0
        self._rounds = 1
        """Length of the next bypass, in rounds."""
        self._left = 0
        """Events left in the present bypass."""

    @property
    def is_active(self) -> bool:
        """True if the cache is to be bypassed now."""
        return self._left > 0

    def note(self, asked: int, missed: int) -> None:
        """Counts look-ups, and those of them that found nothing."""
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

    def note_bypassed(self, taken: int, others: int) -> None:
        """Counts events that were taken without the cache, and those that could not be.

        A surplus of the latter ends the bypass.
        """
        self._left -= taken + others
        self._balance = max(0, self._balance + others - taken)
        if self._balance >= self.ENOUGH:
            self._balance = self._left = 0
            self._rounds = 1


class Doorkeeper:
    """Tells whether a hash was seen before, by the latest two of each slot of a table."""

    __slots__ = ("_before", "_last", "_slots")

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._last = array("q", bytes(8 * slots))
        self._before = array("q", bytes(8 * slots))

    def again(self, found: int) -> bool:
        """Notes a hash; returns True if it was seen before."""
        slot = found % self._slots
        last = self._last[slot]
        if found in (last, self._before[slot]):
            return True
        self._last[slot], self._before[slot] = found, last
        return False


class SecondHitCache(BoundedCache[Value]):
    """Keeps only what is offered for the second time.

    Texts that never repeat would displace those that do; and to keep one costs more than to render
    it.
    """

    __slots__ = ("_again",)

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._again = Doorkeeper(1 << 14).again

    def remember(self, key: bytes, value: Value) -> None:
        """Keeps `value` for `key` if it was offered before and the key is not too long."""
        if self._again(hash(key)):
            super().remember(key, value)

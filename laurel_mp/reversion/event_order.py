"""Restores the order of events: events without an end move to their place in the stream.

The output has events in the order of completion. An event without an end is completed by timeout,
some seconds behind its place in the stream. Written there, its next conversion would complete it
later still, and learn of its process too late.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MOST_HELD = 64 << 20
"""Bytes of delayed lines, at most."""


class _Held(NamedTuple):
    lines: bytes
    clock: int
    """Latest time stamp of the stream up to this event, in seconds."""


class Order:
    """Delays lines for as long as the timeout of an event.

    `timeout` is in seconds. The clock of an offline conversion is that of the time stamps.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._held: deque[_Held] = deque()
        self._size = 0
        self._clock = 0
        self._unended: list[bytes] = []

    def add(self, lines: bytes, seconds: int, *, ended: bool) -> bytes:
        """Takes the lines of an event; returns the lines that can be written."""
        if not ended:
            self._unended.append(lines)
            self._size += len(lines)
            return self._release(0) if self._size > MOST_HELD else b""
        self._clock = max(self._clock, seconds)
        if self._unended:
            self._insert_unended()
        self._held.append(_Held(lines, self._clock))
        self._size += len(lines)
        return self._release(MOST_HELD)

    def finish(self) -> bytes:
        """Returns all delayed lines, those of events without an end last."""
        left = b"".join([held.lines for held in self._held]) + b"".join(self._unended)
        self._held.clear()
        self._unended.clear()
        self._size = 0
        return left

    def _insert_unended(self) -> None:
        """Inserts events without an end one timeout before the present clock."""
        index = len(self._held)
        while index and self._held[index - 1].clock > self._clock - self._timeout:
            index -= 1
        clock = self._held[index - 1].clock if index else 0
        for lines in reversed(self._unended):
            self._held.insert(index, _Held(lines, clock))
        self._unended.clear()

    def _release(self, most: int) -> bytes:
        """Returns lines in front of which no event can move any more, and those over the limit."""
        released = []
        held = self._held
        while held and (held[0].clock <= self._clock - self._timeout or self._size > most):
            released.append(held.popleft().lines)
            self._size -= len(released[-1])
        if not held and self._size > most:
            released += self._unended
            self._unended.clear()
            self._size = 0
        return b"".join(released)

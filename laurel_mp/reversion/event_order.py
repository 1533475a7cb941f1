"""The order in which events are written: those that never ended were seen before others were.

The output holds events in the order of their completion. One without an end is complete when
nothing of it has come for some seconds, so that it stands that much behind its place. Written
there, it would be given up later still, and its process be known too late.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MOST_HELD = 64 << 20
"""Bytes of lines that are held back at most."""


class _Held(NamedTuple):
    lines: bytes
    clock: int
    """The latest second that the stream has shown when this has been read."""


class Order:
    """Holds lines back for as long as an event may have been waited for.

    `timeout` is in seconds. The clock of an offline conversion is that of the time stamps.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._held: deque[_Held] = deque()
        self._size = 0
        self._clock = 0
        self._unended: list[bytes] = []

    def add(self, lines: bytes, seconds: int, *, ended: bool) -> bytes:
        """Takes the lines of an event; returns what can be written."""
        if not ended:
            self._unended.append(lines)
            self._size += len(lines)
            return self._release(0) if self._size > MOST_HELD else b""
        self._clock = max(self._clock, seconds)
        if self._unended:
            self._place()
        self._held.append(_Held(lines, self._clock))
        self._size += len(lines)
        return self._release(MOST_HELD)

    def finish(self) -> bytes:
        """All that is left. What has not ended by now, stands at the end."""
        left = b"".join([held.lines for held in self._held]) + b"".join(self._unended)
        self._held.clear()
        self._unended.clear()
        self._size = 0
        return left

    def _place(self) -> None:
        """Puts what has not ended where it was given up now, and not before."""
        place = len(self._held)
        while place and self._held[place - 1].clock > self._clock - self._timeout:
            place -= 1
        clock = self._held[place - 1].clock if place else 0
        for lines in reversed(self._unended):
            self._held.insert(place, _Held(lines, clock))
        self._unended.clear()

    def _release(self, most: int) -> bytes:
        """What nothing can come in front of any more, and what is too much to be held."""
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

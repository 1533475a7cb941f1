"""Converts a stream of JSON lines to a stream of audit lines and reports of damaged lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from laurel_mp.reversion.event_order import Order
from laurel_mp.reversion.event_reverter import Damaged, EventReverter

MAX_LINE = 256 << 20
"""Bytes of a line, at most. An event has some megabytes at most."""


# Exceptions that unexpected numbers, lists and objects lead to: the input may be any JSON.
_ODD = (TypeError, ValueError, LookupError, AttributeError, OverflowError)


class Damage(NamedTuple):
    """A line that was left out."""

    number: int
    """Counted from 1 through all inputs."""
    reason: str


class LineReverter:
    """Takes input in any pieces, and yields lines in their order."""

    def __init__(self, events: EventReverter, timeout: float, max_line: int = MAX_LINE) -> None:
        self._events = events
        self._order = Order(timeout)
        self._max_line = max_line
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._skipping = False
        self.lines = 0
        self.events = 0
        self.written = 0
        """Audit lines."""
        self.damaged = 0

    def feed(self, data: bytes) -> Iterator[bytes | Damage]:
        """Takes some bytes; yields lines to be written, and reports of damaged lines."""
        *whole, rest = data.split(b"\n")
        for line in whole:
            yield from self._end_line(line)
        self._keep(rest)

    def end_of_input(self) -> Iterator[bytes | Damage]:
        """Ends a last line without a line feed."""
        if self._rest or self._skipping:
            yield from self._end_line(b"")

    def finish(self) -> bytes:
        """Returns the delayed lines."""
        return self._count(self._order.finish())

    def _keep(self, rest: bytes) -> None:
        if self._skipping or not rest:
            return
        self._rest.append(rest)
        self._rest_size += len(rest)
        if self._rest_size > self._max_line:
            self._rest.clear()
            self._skipping = True

    def _end_line(self, end: bytes) -> Iterator[bytes | Damage]:
        line = b"".join([*self._rest, end])
        skipped = self._skipping
        self._rest.clear()
        self._rest_size = 0
        self._skipping = False
        self.lines += 1
        if skipped or len(line) > self._max_line:
            yield self._damage(f"longer than {self._max_line} bytes")
            return
        try:
            lines = self._events.revert(line) if line.strip() else None
        except Damaged as damaged:
            yield self._damage(str(damaged))
            return
        except _ODD as error:
            yield self._damage(f"no event as laurel-mp writes them ({error})")
            return
        if lines is not None:
            self.events += 1
            yield self._count(self._order.add(lines.text, lines.seconds, ended=lines.ended))

    def _damage(self, reason: str) -> Damage:
        self.damaged += 1
        return Damage(self.lines, reason)

    def _count(self, text: bytes) -> bytes:
        self.written += text.count(b"\n")
        return text

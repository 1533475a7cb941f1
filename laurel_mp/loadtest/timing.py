"""Computes when each event of a stream is due: by its time stamps, or at a fixed rate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

RECENT = 1 << 16
"""Number of recent events that are kept, to tell a further record from a new event."""

_header = re.compile(
    rb"^(?:node=([^ \n]*) )?type=[^ \n]+ msg=audit\(([0-9]+\.[0-9]+):([0-9]+)\):", re.MULTILINE
)

Id = tuple[bytes, bytes, bytes]
"""Node, time and serial."""


def events(text: bytes) -> Iterator[tuple[Id | None, bytes]]:
    """Splits whole lines by event.

    Lines without a header belong to the event before them. An event whose records are mixed with
    those of others comes in several parts.
    """
    last: Id | None = None
    start = 0
    for header in _header.finditer(text):
        node, time, serial = header.groups(b"")
        if (node, time, serial) != last:
            if header.start() > start:
                yield last, text[start : header.start()]
                start = header.start()
            last = (node, time, serial)
    if start < len(text):
        yield last, text[start:]


class Counter:
    """Counts events, whose records may be mixed with those of others."""

    def __init__(self) -> None:
        self.count = 0
        self._recent: dict[Id, None] = {}

    def add(self, event: Id | None) -> None:
        """Counts the event of some lines, if it is new."""
        if event is None or event in self._recent:
            return
        self.count += 1
        self._recent[event] = None
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]


class OwnTime:
    """Follows the time stamps of events, `speed` times as fast.

    Time never goes back: an event that is older than the one before it, as after a call that
    blocked, is due at once.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._first: float | None = None
        self._latest = 0.0

    def due(self, event: Id | None) -> float:
        """Returns the seconds from the first event until this one is due."""
        if event is not None:
            time = float(event[1])
            if self._first is None:
                self._first = self._latest = time
            self._latest = max(self._latest, time)
        return (self._latest - (self._first or 0.0)) / self._speed


class FixedRate:
    """Spaces new events evenly; further records of an event follow their neighbours."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._counter = Counter()

    def due(self, event: Id | None) -> float:
        """Returns the seconds from the first event until this one is due."""
        self._counter.add(event)
        return max(self._counter.count - 1, 0) / self._rate


def timed(
    pieces: Iterable[bytes], due: Callable[[Id | None], float]
) -> Iterator[tuple[float, bytes]]:
    """Splits a stream by event; yields the second at which each part is due."""
    for piece in pieces:
        for event, lines in events(piece):
            yield due(event), lines

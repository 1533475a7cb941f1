"""Events that were completed before, so that their records are not taken for new events."""

from __future__ import annotations

from laurel_mp.events.reassembly.duplicate_window import DuplicateWindow

REMEMBERED_BYTES = 16 << 20
"""Bytes of the stream after which a completed event is forgotten, if too many lines do not
come sooner."""


class KnownEvents:
    """Remembers the keys of completed events: `ID`, or `NODE ID`."""

    def __init__(self, window: float) -> None:
        self.completed = DuplicateWindow(window)
        """Events with their proper end: further records are duplicates."""
        self.given_up = DuplicateWindow(window)
        """Events without their end: further records are late."""
        self.latest = b""
        """Greatest key of all events, in the order of bytes. A greater key is that of a new event;
        serials grow, so that most events need no look-up."""
        self.generation = (0.0, 0)
        """Time and stream position at which the present generation of keys began."""
        self._window = window

    def __len__(self) -> int:
        return len(self.completed) + len(self.given_up)

    def __contains__(self, key: bytes) -> bool:
        return key in self.completed or key in self.given_up

    def age(self, now: float, position: int, oldest: int) -> None:
        """Drops old generations of keys; `oldest` is the position before which all is over."""
        since, start = self.generation
        oldest = max(position - REMEMBERED_BYTES, oldest)
        if now - since > self._window or start < oldest:
            self.generation = (now, position)
            self.completed.turn()
            self.given_up.turn()

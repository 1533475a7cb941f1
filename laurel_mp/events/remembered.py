"""Which events there were, for as long as their records may come again."""

from __future__ import annotations

from typing import NamedTuple


class RememberedState(NamedTuple):
    """Keys and when they were noted."""

    recent: dict[bytes, float]
    older: dict[bytes, float]


class Remembered:
    """Keys and when they were noted, in two generations; the older one is dropped in a piece.

    Whoever looks often may look into `recent` and `older` first: what is in neither is not
    remembered.
    """

    __slots__ = ("_window", "older", "recent")

    def __init__(self, window: float) -> None:
        self._window = window
        self.recent: dict[bytes, float] = {}
        self.older: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self.recent) + len(self.older)

    def note(self, key: bytes, now: float) -> None:
        """Remembers `key`."""
        self.recent[key] = now

    def has(self, key: bytes, now: float) -> bool:
        """Whether `key` was noted within the window before `now`."""
        when = self.recent.get(key)
        if when is None:
            when = self.older.get(key)
        return when is not None and now - when <= self._window

    def turn(self) -> None:
        """Begins a new generation."""
        self.older, self.recent = self.recent, {}

    def state(self) -> RememberedState:
        """What to go on from; it goes on changing with this."""
        return RememberedState(self.recent, self.older)

    def restore(self, state: RememberedState) -> None:
        """Goes on from `state`."""
        self.recent, self.older = state

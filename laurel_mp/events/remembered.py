"""Which events there were, for as long as their records may come again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from laurel_mp.errors import SnapshotError


class Noted(NamedTuple):
    """Keys in the order in which they were noted, and when."""

    keys: bytes
    """With a line feed behind each: no key has one."""
    times: bytes
    """Native 64-bit floats, one for each."""


class RememberedState(NamedTuple):
    """What is remembered, in pieces: what was noted between two snapshots is one."""

    recent: list[Noted]
    older: list[Noted]


def times_of(pieces: Iterable[Noted]) -> dict[bytes, float]:
    """When each key was noted. Raises SnapshotError if that makes no sense."""
    found: dict[bytes, float] = {}
    for keys, times in pieces:
        split = keys.split(b"\n")
        if split.pop() or 8 * len(split) != len(times):
            raise SnapshotError(f"{len(split)} events remembered of other times")
        found.update(zip(split, array("d", times), strict=True))
    return found


def noted(times: Mapping[bytes, float]) -> list[Noted]:
    """The same the other way, in one piece."""
    generation = _Generation()
    generation.times.update(times)
    return generation.state()


class _Generation:
    """Keys and when they were noted.

    There are tens of thousands of them, and frequent snapshots: what was packed is kept.
    """

    __slots__ = ("_packed", "_pieces", "times")

    def __init__(self, pieces: Iterable[Noted] = ()) -> None:
        self._pieces = list(pieces)
        self.times = times_of(self._pieces)
        self._packed = len(self.times)
        """So many of the first are in pieces."""

    def note(self, key: bytes, now: float) -> None:
        if key in self.times:  # which are in the order in which they are noted
            del self.times[key]
            self._pieces.clear()
            self._packed = 0
        self.times[key] = now

    def state(self) -> list[Noted]:
        if self._packed < len(self.times):
            keys = islice(self.times, self._packed, None)
            times = islice(self.times.values(), self._packed, None)
            self._pieces.append(Noted(b"\n".join([*keys, b""]), array("d", times).tobytes()))
            self._packed = len(self.times)
        return list(self._pieces)


class Remembered:
    """Keys and when they were noted, in two generations; the older one is dropped in a piece.

    Whoever looks often may look into `recent` and `older` first: what is in neither is not
    remembered, and may be put into `recent`.
    """

    __slots__ = ("_older", "_recent", "_window")

    def __init__(self, window: float) -> None:
        self._window = window
        self._recent = _Generation()
        self._older = _Generation()

    def __len__(self) -> int:
        return len(self.recent) + len(self.older)

    @property
    def recent(self) -> dict[bytes, float]:
        """The younger generation."""
        return self._recent.times

    @property
    def older(self) -> dict[bytes, float]:
        """The older generation."""
        return self._older.times

    def note(self, key: bytes, now: float) -> None:
        """Remembers `key`."""
        self._recent.note(key, now)

    def has(self, key: bytes, now: float) -> bool:
        """Whether `key` was noted within the window before `now`."""
        when = self.recent.get(key)
        if when is None:
            when = self.older.get(key)
        return when is not None and now - when <= self._window

    def turn(self) -> None:
        """Begins a new generation."""
        self._older, self._recent = self._recent, _Generation()

    def state(self) -> RememberedState:
        """What to go on from."""
        return RememberedState(self._recent.state(), self._older.state())

    def restore(self, state: RememberedState) -> None:
        """Goes on from `state`."""
        self._recent, self._older = map(_Generation, state)

"""Remembers keys of events for as long as their records may arrive again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from laurel_mp.errors import SnapshotError

_TIME = 8
"""Bytes of a packed time."""


class Noted(NamedTuple):
    """Packed keys in the order in which they were noted, with the times."""

    keys: bytes
    """Each ends with a line feed: no key has one."""
    times: bytes
    """Native 64-bit floats, one for each."""


class DuplicateWindowState(NamedTuple):
    """Snapshot of a window, in pieces: keys noted between two snapshots are one piece."""

    recent: list[Noted]
    older: list[Noted]


def times_of(pieces: Iterable[Noted]) -> dict[bytes, float]:
    """Returns the time at which each key was noted. Raises SnapshotError if they do not match."""
    found: dict[bytes, float] = {}
    for keys, times in pieces:
        split = keys.split(b"\n")
        if split.pop() or _TIME * len(split) != len(times):
            raise SnapshotError(f"{len(split)} events remembered of other times")
        found.update(zip(split, array("d", times), strict=True))
    return found


def noted(times: Mapping[bytes, float]) -> list[Noted]:
    """Packs keys and times in one piece: the inverse of `times_of`."""
    if not times:
        return []
    return [Noted(b"\n".join([*times, b""]), array("d", times.values()).tobytes())]


class _Generation:
    """Keys, and the times at which they were noted.

    There are tens of thousands of keys, few look-ups, and frequent snapshots. So keys since the
    last snapshot are in runs, each with one time; older keys stay packed; and a dictionary is made
    only at the first look-up.
    """

    __slots__ = ("_folded", "_folded_pieces", "_pieces", "_runs", "_times")

    def __init__(self, pieces: Iterable[Noted] = ()) -> None:
        self._pieces = list(pieces)
        self._runs: list[tuple[float, list[bytes]]] = []
        self._times: dict[bytes, float] = {}
        self._folded_pieces = 0
        """Number of pieces in the dictionary."""
        self._folded = (0, 0)
        """Index of the last run in the dictionary, and number of its keys there."""

    def __len__(self) -> int:
        """Number of keys; one that was noted twice counts twice."""
        packed = sum(len(times) for _, times in self._pieces) // _TIME
        return packed + sum(len(keys) for _, keys in self._runs)

    def run(self, now: float) -> list[bytes]:
        """Returns a list to which to append keys that are noted at this time."""
        if not self._runs or self._runs[-1][0] != now:
            self._runs.append((now, []))
        return self._runs[-1][1]

    def times(self) -> dict[bytes, float]:
        """Returns the time at which each key was noted last."""
        if self._folded_pieces < len(self._pieces):
            self._times.update(times_of(self._pieces[self._folded_pieces :]))
            self._folded_pieces = len(self._pieces)
        runs, (first, start) = self._runs, self._folded
        if runs and self._folded != (end := (len(runs) - 1, len(runs[-1][1]))):
            for now, keys in islice(runs, first, None):
                self._times.update(dict.fromkeys(islice(keys, start, None), now))
                start = 0
            self._folded = end
        return self._times

    def state(self) -> list[Noted]:
        if any(keys for _, keys in self._runs):
            if self._times:
                self.times()  # after a look-up, the dictionary is kept complete
            self._pack()
            if self._times:
                self._folded_pieces = len(self._pieces)
        return list(self._pieces)

    def _pack(self) -> None:
        """Makes a piece of all runs. The last list stays: a caller may still append to it."""
        keys = [key for _, noted_then in self._runs for key in noted_then]
        times = array("d")
        for now, noted_then in self._runs:
            times += array("d", [now]) * len(noted_then)
        self._pieces.append(Noted(b"\n".join([*keys, b""]), times.tobytes()))
        del self._runs[:-1]
        self._runs[-1][1].clear()
        self._folded = (0, 0)


class DuplicateWindow:
    """Keys with their times, in two generations; the older one is dropped as a whole."""

    __slots__ = ("_older", "_recent", "_window")

    def __init__(self, window: float) -> None:
        self._window = window
        self._recent = _Generation()
        self._older = _Generation()

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def __contains__(self, key: bytes) -> bool:
        """True if `key` is remembered, whatever its time."""
        return key in self._recent.times() or key in self._older.times()

    def noted_at(self, now: float) -> list[bytes]:
        """Returns a list to which to append keys, until the next turn."""
        return self._recent.run(now)

    def note(self, key: bytes, now: float) -> None:
        """Remembers `key`."""
        self._recent.run(now).append(key)

    def has(self, key: bytes, now: float) -> bool:
        """True if `key` was noted within the window before `now`."""
        when = self._recent.times().get(key)
        if when is None:
            when = self._older.times().get(key)
        return when is not None and now - when <= self._window

    def turn(self) -> None:
        """Begins a new generation."""
        self._older, self._recent = self._recent, _Generation()

    def state(self) -> DuplicateWindowState:
        """Returns a snapshot."""
        return DuplicateWindowState(self._recent.state(), self._older.state())

    def restore(self, state: DuplicateWindowState) -> None:
        """Continues from `state`."""
        self._recent, self._older = map(_Generation, state)

"""Collects the serials of a worker's events between two clock marks.

For each event, only its id is appended to a list. The serials of a whole list are then parsed in C:
in joined ids of equal length, a slice with a step is a column of digits, and the columns of all
digits of the serials, side by side, are a JSON array.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import orjson

MANY = 32
"""Number of ids from which on it is quicker to parse them together."""

LARGEST = (1 << 32) - 1
"""Largest serial: the kernel's have 32 bits [kernel: audit_serial]; others are ignored."""


class Seen(NamedTuple):
    """Serials of one node between two marks, from one worker."""

    node: bytes | None
    ranges: array[int]
    """Pairs of first and last serial of each run without a gap, in order."""
    oldest: float
    """Time stamp of the lowest serial, in seconds."""
    newest: float
    """Time stamp of the highest serial."""
    restarted: bool
    """True if auditd of this node has reported its start or end."""


class Interval(NamedTuple):
    """Serials in front of a clock mark; for those behind the last mark, `position` is -1."""

    position: int
    now: float
    final: bool
    """True if the mark is the end of the input."""
    seen: list[Seen]


class SerialCollector:
    """Collects ids of events, in any order; an id may occur several times."""

    def __init__(self, *, wanted: bool = True) -> None:
        self._wanted = wanted
        self._ids: dict[bytes | None, list[bytes]] = {}
        self._restarted: set[bytes | None] = set()
        self._intervals: list[Interval] = []

    def of(self, node: bytes | None) -> list[bytes]:
        """Returns a list to which to append ids of a node, until the next mark."""
        found = self._ids.get(node)
        if found is None:
            found = self._ids[node] = []
        return found

    def restarted(self, node: bytes | None) -> None:
        """Notes that auditd of a node has reported its start or end."""
        self._restarted.add(node)

    def mark(self, position: int, now: float, *, final: bool = False) -> None:
        """Ends an interval at a clock mark."""
        self._intervals.append(Interval(position, now, final, self._collected()))

    def take(self) -> list[Interval]:
        """Returns all intervals since the last call; the last one continues in the next batch."""
        seen = self._collected()
        found, self._intervals = self._intervals, []
        if seen:
            found.append(Interval(-1, 0.0, False, seen))
        return found if self._wanted else []

    def _collected(self) -> list[Seen]:
        ids, self._ids = self._ids, {}
        if not self._wanted:
            return []
        if self._restarted:
            for node in self._restarted - ids.keys():
                ids[node] = []
        restarted, self._restarted = self._restarted, set()
        found = [_seen(node, own, node in restarted) for node, own in ids.items()]
        return [each for each in found if each.ranges or each.restarted]


def _seen(node: bytes | None, ids: list[bytes], restarted: bool) -> Seen:
    if not ids:
        return Seen(node, array("Q"), 0.0, 0.0, restarted)
    numbers = _numbers(ids)
    serials = sorted(numbers)  # quick, as they are nearly sorted
    count, lowest, highest = len(serials), serials[0], serials[-1]
    if (
        highest - lowest == count - 1
        and highest <= LARGEST
        and serials == list(range(lowest, lowest + count))
    ):
        ranges = array("Q", (lowest, highest))
    else:
        if highest > LARGEST or len(set(serials)) != count:
            serials = sorted({serial for serial in serials if serial <= LARGEST})
            if not serials:
                return Seen(node, array("Q"), 0.0, 0.0, restarted)
            lowest, highest = serials[0], serials[-1]
        ranges = ranges_of(serials)
    oldest, newest = ids[numbers.index(lowest)], ids[_last_index(numbers, highest)]
    return Seen(node, ranges, _stamp(oldest), _stamp(newest), restarted)


def _stamp(id_: bytes) -> float:
    return float(id_.partition(b":")[0])


def _last_index(numbers: list[int], number: int) -> int:
    """Returns the last index of `number`, which is near the end."""
    return len(numbers) - 1 - numbers[::-1].index(number)


def _numbers(ids: list[bytes]) -> list[int]:
    """Returns the serials of the ids."""
    if len(ids) >= MANY:
        columns = _serial_columns(ids)
        if columns is not None:
            try:
                found: list[int] = orjson.loads(columns)
            except orjson.JSONDecodeError:  # JSON has no leading zeros
                pass
            else:
                return found
    return [int(id_.partition(b":")[2]) for id_ in ids]


def _serial_columns(ids: list[bytes]) -> bytes | None:
    """Returns all serials as a JSON array; None unless all ids have the same length."""
    text = b",".join(ids)
    colon, step = ids[0].index(b":"), len(ids[0]) + 1
    commas = b"," * len(ids)
    if len(text) != step * len(ids) - 1 or text[step - 1 :: step] != commas[1:]:
        return None
    if text[colon::step] != commas.replace(b",", b":"):
        return None
    width = step - colon - 1
    columns = bytearray(commas * width)
    for digit in range(width - 1):
        columns[digit::width] = text[colon + 1 + digit :: step]
    return b"[%b]" % bytes(columns[:-1])


def ranges_of(serials: list[int]) -> array[int]:
    """Returns pairs of first and last serial of each run without a gap; `serials` must rise."""
    found = array("Q")
    start, count = 0, len(serials)
    while start < count:
        end = _end_of_run(serials, start, count)
        found.append(serials[start])
        found.append(serials[end - 1])
        start = end
    return found


def _end_of_run(serials: list[int], start: int, count: int) -> int:
    """Returns the end of the run that begins at `start`: mostly all serials are one run."""
    offset = serials[start] - start
    if serials[count - 1] == offset + count - 1:
        return count
    step, low = 1, start
    while low + step < count and serials[low + step] == offset + low + step:
        low += step
        step *= 2
    high = min(low + step, count)
    while high - low > 1:
        middle = (low + high) // 2
        if serials[middle] == offset + middle:
            low = middle
        else:
            high = middle
    return high

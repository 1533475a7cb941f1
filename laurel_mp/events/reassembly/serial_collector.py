"""Which serials a worker has seen, between one clock mark and the next.

All that is done for each event is to append its id to a list. The rest is done for a whole list
in C: of ids of one length, joined, a slice with a step is a column of digits. The columns of all
digits of the serials, put side by side, are an array in JSON.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import orjson

MANY = 32
"""From so many ids on it is quicker to take them apart together."""

LARGEST = (1 << 32) - 1
"""The kernel's serials have 32 bits [kernel: audit_serial]; what is larger is none of them."""


class Seen(NamedTuple):
    """What was seen of one node between two marks, or by one of several workers."""

    node: bytes | None
    ranges: array[int]
    """Pairs of a first and a last serial, between which none is missing; in order."""
    oldest: float
    """The time stamp of the lowest of these, in seconds."""
    newest: float
    """The time stamp of the highest."""
    restarted: bool
    """Whether auditd has said that it starts or ends."""


class Interval(NamedTuple):
    """What was seen before a mark; behind the last mark, `position` is -1."""

    position: int
    now: float
    final: bool
    """Whether that is the end of the input."""
    seen: list[Seen]


class SerialCollector:
    """Collects ids of events, each once or a few times, in any order."""

    def __init__(self, *, wanted: bool = True) -> None:
        self._wanted = wanted
        self._ids: dict[bytes | None, list[bytes]] = {}
        self._restarted: set[bytes | None] = set()
        self._intervals: list[Interval] = []

    def of(self, node: bytes | None) -> list[bytes]:
        """Where to append ids of a node, until the next mark."""
        found = self._ids.get(node)
        if found is None:
            found = self._ids[node] = []
        return found

    def restarted(self, node: bytes | None) -> None:
        """The auditd of a node says that it starts or ends."""
        self._restarted.add(node)

    def mark(self, position: int, now: float, *, final: bool = False) -> None:
        """From here on, another interval begins."""
        self._intervals.append(Interval(position, now, final, self._collected()))

    def take(self) -> list[Interval]:
        """All intervals since the last call. The last one has not ended, and goes on."""
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
    serials = sorted(numbers)  # which is quick, as they nearly are
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
    """Where it is, which is near the end."""
    return len(numbers) - 1 - numbers[::-1].index(number)


def _numbers(ids: list[bytes]) -> list[int]:
    """The serials of the ids."""
    if len(ids) >= MANY:
        columns = _serial_columns(ids)
        if columns is not None:
            try:
                found: list[int] = orjson.loads(columns)
            except orjson.JSONDecodeError:  # JSON has no zeros in front of others
                pass
            else:
                return found
    return [int(id_.partition(b":")[2]) for id_ in ids]


def _serial_columns(ids: list[bytes]) -> bytes | None:
    """All serials as an array in JSON, if all ids have the same number of digits."""
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
    """First and last of all runs without a gap; `serials` rise."""
    found = array("Q")
    start, count = 0, len(serials)
    while start < count:
        end = _end_of_run(serials, start, count)
        found.append(serials[start])
        found.append(serials[end - 1])
        start = end
    return found


def _end_of_run(serials: list[int], start: int, count: int) -> int:
    """Where the run that begins at `start` ends: all of them are one in most cases."""
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

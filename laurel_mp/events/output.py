"""What comes out of coalescing: events for the assembler, questions for the tracker."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from laurel_mp.events.syscall import Call

FILTERED = b"\x01"
"""Stands somewhere in a line whose event is filtered. Rendered text has no such byte."""


@dataclass(slots=True)
class Bodies:
    """Complete events in the order of their completion."""

    lines: list[bytes] = field(default_factory=list)
    """JSON with a line feed, and a mark for each row that it waits for."""
    keys: array[int] = field(default_factory=lambda: array("Q"))
    """Where each was completed: see `line_key` and `clock_key`."""
    ranks: array[int] = field(default_factory=lambda: array("Q"))
    """For those that have a rank among events with the same key: which one, and its rank."""
    rows: array[int] = field(default_factory=lambda: array("Q"))
    """The number of the row for each mark."""
    unused: array[int] = field(default_factory=lambda: array("Q"))
    """Numbers of rows whose answers no mark waits for."""
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    """How many lines each event has, if there are filters."""


@dataclass(slots=True)
class Rows:
    """Questions to the tracker, numbered from `base`."""

    base: int = 0
    keys: array[int] = field(default_factory=lambda: array("Q"))
    calls: bytearray = field(default_factory=bytearray)
    """What each is about: a `Call`."""
    who: list[bytes] = field(default_factory=list)
    """Fields separated by tabs: pid, ppid, comm, exe, uid, key (these two if they are wanted),
    perhaps the node; of look-ups pid, key, perhaps the node. Behind the first of them, separated
    by 0x1e, may come: for an exec start time, container, services, 1 for an init; for its details
    labels to put on and to take away, command line. Several services or labels are separated by
    0x1f. All names are JSON."""
    ids: list[bytes] = field(default_factory=list)
    """The event's id."""
    ranks: array[int] = field(default_factory=lambda: array("Q"))
    """For those that have a rank among rows with the same key: which row of these, and its rank."""

    def add(self, order: int, call: Call, who: bytes, id_: bytes, rank: int = 0) -> int:
        """Adds a row; returns its number."""
        number = self.base + len(self.keys)
        if rank:
            self.ranks.extend((len(self.keys), rank))
        self.keys.append(order)
        self.calls.append(call)
        self.who.append(who)
        self.ids.append(id_)
        return number


def line_key(end: int) -> int:
    """Orders what is caused by the line that ends at stream position `end`."""
    return 2 * end - 1


def clock_key(position: int) -> int:
    """Orders what is caused by the clock that stands at `position`: before the line there."""
    return 2 * position

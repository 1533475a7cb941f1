"""What comes out of coalescing: events for the assembler, questions for the tracker."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from functools import partial

from laurel_mp.events.rendering.syscall import Call

FILTERED = b"\x01"
"""Stands somewhere in a line whose event is filtered. Rendered text has no such byte."""


NO_QUERY = (1 << 64) - 1
"""Stands for the query of an event that waits for none."""


_numbers = partial(array, "Q")


@dataclass(slots=True)
class Bodies:
    """Complete events in the order of their completion.

    An event is the JSON of its head, the answer to its query, the JSON of its tail, and a closing
    brace. The tail is what was remembered in most cases: nobody copies it before it is written.
    """

    heads: list[bytes] = field(default_factory=list)
    tails: list[bytes] = field(default_factory=list)
    """Each may have further marks: NUL bytes, which wait for `more`."""
    keys: array[int] = field(default_factory=_numbers)
    """Where each was completed: see `line_key` and `clock_key`."""
    ranks: array[int] = field(default_factory=_numbers)
    """For those that have a rank among events with the same key: which one, and its rank."""
    queries: array[int] = field(default_factory=_numbers)
    """The number of the query that each waits for, or NO_QUERY."""
    more: array[int] = field(default_factory=_numbers)
    """Those of the queries that the marks in tails wait for."""
    unused: array[int] = field(default_factory=_numbers)
    """Numbers of queries whose answers no mark waits for."""
    sizes: array[int] = field(default_factory=_numbers)
    """How many lines each event has, if there are filters."""


@dataclass(slots=True)
class ProcessQueries:
    """Questions to the tracker, numbered from `base`."""

    base: int = 0
    keys: array[int] = field(default_factory=_numbers)
    calls: bytearray = field(default_factory=bytearray)
    """What each is about: a `Call`."""
    processes: list[bytes] = field(default_factory=list)
    """Fields separated by tabs: pid, ppid, comm, exe, uid, key (these two if they are wanted),
    perhaps the node; of look-ups pid, key, perhaps the node. Behind the first of them, separated
    by 0x1e, may come: for an exec start time, container, services, 1 for an init; for its details
    labels to put on and to take away, command line. Several services or labels are separated by
    0x1f. All names are JSON."""
    ids: list[bytes] = field(default_factory=list)
    """The event's id."""
    ranks: array[int] = field(default_factory=_numbers)
    """Pairs, for queries whose rank is not 0: index in this batch, and rank among equal keys."""

    def add(self, order: int, call: Call, process: bytes, id_: bytes, rank: int = 0) -> int:
        """Adds a query; returns its number."""
        number = self.base + len(self.keys)
        if rank:
            self.ranks.extend((len(self.keys), rank))
        self.keys.append(order)
        self.calls.append(call)
        self.processes.append(process)
        self.ids.append(id_)
        return number

    def settle(self, number: int) -> None:
        """Nothing more will be told of what a query is about, if it is an exec, and still here."""
        index = number - self.base
        if index >= 0 and self.calls[index] == Call.EXEC:
            self.calls[index] = Call.WHOLE_EXEC


def line_key(end: int) -> int:
    """Orders what is caused by the line that ends at stream position `end`."""
    return 2 * end - 1


def clock_key(position: int) -> int:
    """Orders what is caused by the clock that stands at `position`: before the line there."""
    return 2 * position

"""The decoder's results: complete events for the assembler, process queries for the tracker."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from functools import partial

from laurel_mp.events.rendering.syscall import Call

FILTERED = b"\x01"
"""Marks an event as filtered, anywhere in its line. Rendered text has no such byte."""


NO_QUERY = (1 << 64) - 1
"""Takes the place of a query's number for an event without a query."""


_numbers = partial(array, "Q")


@dataclass(slots=True)
class Bodies:
    """Complete events in the order of their completion.

    The line of an event is its head, the answer to its query, its tail, and a closing brace. Most
    tails are cached texts: they are not copied before they are written.
    """

    heads: list[bytes] = field(default_factory=list)
    tails: list[bytes] = field(default_factory=list)
    """A NUL byte in a tail is the mark for another answer; `more` has the query's number."""
    keys: array[int] = field(default_factory=_numbers)
    """Order of completion, see `line_key` and `clock_key`."""
    ranks: array[int] = field(default_factory=_numbers)
    """Pairs, for events whose rank is not 0: index of the event, and rank among equal keys."""
    queries: array[int] = field(default_factory=_numbers)
    """Number of the query whose answer goes between head and tail, or NO_QUERY."""
    more: array[int] = field(default_factory=_numbers)
    """Numbers of the queries for the marks in tails, in order."""
    unused: array[int] = field(default_factory=_numbers)
    """Numbers of queries whose answers go nowhere."""
    sizes: array[int] = field(default_factory=_numbers)
    """Lines of each event; empty without filters."""


@dataclass(slots=True)
class ProcessQueries:
    """Queries to the tracker, numbered from `base`."""

    base: int = 0
    keys: array[int] = field(default_factory=_numbers)
    calls: bytearray = field(default_factory=bytearray)
    """A `Call` for each query."""
    processes: list[bytes] = field(default_factory=list)
    """The process of each query, as fields separated by tabs: pid, ppid, comm, exe, uid, key (uid
    and key are empty and null unless wanted), and the node if there is one. For a look-up: pid,
    key, node.

    Further fields follow, separated by 0x1e. For an exec: start time, container, services, 1 for an
    init. For its details: labels to add, labels to remove, command line. Services and labels are
    separated by 0x1f. All names are JSON."""
    ids: list[bytes] = field(default_factory=list)
    """Event id of each query."""
    ranks: array[int] = field(default_factory=_numbers)
    """Pairs, for queries whose rank is not 0: index of the query, and rank among equal keys."""

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
        """Turns an exec whose details are still expected into one that has none.

        Has no effect on other calls, nor on queries that were taken before.
        """
        index = number - self.base
        if index >= 0 and self.calls[index] == Call.EXEC:
            self.calls[index] = Call.WHOLE_EXEC


def line_key(end: int) -> int:
    """Returns the order key of effects of the line that ends at stream position `end`."""
    return 2 * end - 1


def clock_key(position: int) -> int:
    """Returns the order key of effects of a clock mark at `position`: before the line there."""
    return 2 * position

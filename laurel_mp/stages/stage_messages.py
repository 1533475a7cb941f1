"""What flows between two stages."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from laurel_mp.events.reassembly.serial_collector import Interval


class ClockMark(NamedTuple):
    """From stream position `position` on, the arrival clock stands at `now` seconds."""

    position: int
    now: float
    has_eoe: bool
    """Whether events of this stream end with EOE records."""
    oldest: int = 0
    """Stream position before which all is over, because too many lines have come since."""


class Segment(NamedTuple):
    """A piece of a worker's share of a batch that stands in one piece in the stream."""

    position: int
    """Where in the stream it stands."""
    length: int


class Share(NamedTuple):
    """What one worker gets of a batch. All workers get the same marks."""

    blob: bytes
    segments: list[Segment]
    marks: list[ClockMark]
    end: int
    """Stream position behind the batch."""
    final: bool
    """Whether the input ends here: all events are over."""
    notes: Sequence[bytes] = ()
    """Lines for the output, in front of all events; the first worker's only."""


class DecodedBodies(NamedTuple):
    """What one worker completed in a batch, for the assembler: one of each for each event.

    Arrays are of unsigned 64-bit integers. See `laurel_mp.events.reassembly.bodies.Bodies`.
    """

    heads: list[bytes]
    tails: list[bytes]
    keys: array[int]
    """What orders events over all workers."""
    ranks: array[int]
    """The same, for those with equal keys; empty if all are 0."""
    queries: array[int]
    """The number of the query that stands between head and tail, or NO_QUERY."""
    more: array[int]
    """Numbers of the queries whose answers replace the NUL bytes in tails, in order."""
    unused: array[int]
    """Numbers of queries whose answers nobody waits for; as many as there are."""
    sizes: array[int]
    """How many lines each event has; only if there are filters."""
    intervals: Sequence[Interval] = ()
    """Which serials were seen: before each of the marks, and behind them."""
    notes: Sequence[bytes] = ()
    """See Share."""


class DecodedQueries(NamedTuple):
    """What one worker asks the tracker about a batch: one of each for each query."""

    base: int
    """Number of the first query."""
    keys: array[int]
    """What orders queries over all workers."""
    calls: bytes
    """A `Call`, one byte."""
    processes: list[bytes]
    """See `ProcessQueries.processes`."""
    ids: list[bytes]
    """The event's id."""
    clocks: Sequence[tuple[int, float]]
    """Keys of clock marks, and what the arrival clock says there."""
    ranks: array[int]
    """Pairs, for those whose rank is not 0: the number of the query, counted from the first of the
    batch, and what orders it among those with equal keys."""


class Decoded(NamedTuple):
    """What one worker makes of its share of a batch."""

    bodies: DecodedBodies
    queries: DecodedQueries


Annotations = list[bytes]
"""The tracker's answers to the queries of one worker, in their order: text for the marks."""


class Merged(NamedTuple):
    """What a batch comes to."""

    text: bytes
    """Events, one a line."""
    filtered: bytes
    """Events that a filter has taken out, the same."""

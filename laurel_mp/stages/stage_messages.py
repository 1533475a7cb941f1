"""Messages between the stages."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from laurel_mp.events.reassembly.serial_collector import Interval


class ClockMark(NamedTuple):
    """Arrival time of the stream from `position` on: `now` in seconds."""

    position: int
    now: float
    has_eoe: bool
    """True if events of this stream end with EOE records."""
    oldest: int = 0
    """Stream position before which all events are over: too many lines have followed."""


class Segment(NamedTuple):
    """A piece of a worker's share of a batch that is contiguous in the stream."""

    position: int
    """Its stream position."""
    length: int


class Share(NamedTuple):
    """The part of a batch for one worker. All workers get the same marks."""

    blob: bytes
    segments: list[Segment]
    marks: list[ClockMark]
    end: int
    """Stream position behind the batch."""
    final: bool
    """True if the input ends here: all events are over."""
    notes: Sequence[bytes] = ()
    """Lines for the output, in front of all events; only in the first worker's share."""


class DecodedBodies(NamedTuple):
    """Events that one worker completed in a batch, for the assembler.

    Lists and arrays have one item for each event unless they say otherwise. Arrays are of unsigned
    64-bit integers. See `laurel_mp.events.reassembly.bodies.Bodies`.
    """

    heads: list[bytes]
    tails: list[bytes]
    keys: array[int]
    """Order of events over all workers."""
    ranks: array[int]
    """Order of events with equal keys; empty if all are 0."""
    queries: array[int]
    """Number of the query whose answer goes between head and tail, or NO_QUERY."""
    more: array[int]
    """Numbers of the queries whose answers replace the NUL bytes in tails, in order."""
    unused: array[int]
    """Numbers of queries whose answers go nowhere."""
    sizes: array[int]
    """Lines of each event; empty without filters."""
    intervals: Sequence[Interval] = ()
    """Serials of the events that began in front of each mark, and behind the last one."""
    notes: Sequence[bytes] = ()
    """See Share."""


class DecodedQueries(NamedTuple):
    """Process queries of one worker in a batch.

    Lists and arrays have one item for each query unless they say otherwise.
    """

    base: int
    """Number of the first query."""
    keys: array[int]
    """Order of queries over all workers."""
    calls: bytes
    """A `Call`, one byte."""
    processes: list[bytes]
    """See `ProcessQueries.processes`."""
    ids: list[bytes]
    """Event id."""
    clocks: Sequence[tuple[int, float]]
    """Pairs of the key of a clock mark and the arrival time there."""
    ranks: array[int]
    """Pairs, for queries whose rank is not 0: index in this batch, and rank among equal keys."""


class Decoded(NamedTuple):
    """Results of one worker for its share of a batch."""

    bodies: DecodedBodies
    queries: DecodedQueries


Annotations = list[bytes]
"""The tracker's answers to the queries of one worker, in order: texts for the marks."""


class Merged(NamedTuple):
    """Output of a batch."""

    text: bytes
    """Lines of events and of loss reports."""
    filtered: bytes
    """Lines of filtered events."""

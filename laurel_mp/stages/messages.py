"""What flows between two stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


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


class DecodedBodies(NamedTuple):
    """What one worker completed in a batch, for the assembler."""

    text: bytes
    """Events, one a line, a NUL byte for each mark."""
    keys: bytes
    """Native unsigned 64-bit integers that order events over all workers, one for each."""
    ranks: bytes
    """The same, for those with equal keys; empty if all are 0."""
    rows: bytes
    """The same: the number of the row that each mark waits for."""
    unused: bytes = b""
    """The same: numbers of rows whose answers no mark waits for."""
    sizes: bytes = b""
    """The same: how many lines each event has; only if there are filters."""


class DecodedRows(NamedTuple):
    """What one worker asks the tracker about a batch."""

    base: int
    """Number of the first row."""
    keys: bytes
    """Native unsigned 64-bit integers that order rows over all workers, one for each."""
    calls: bytes
    """A `Call` for each, one byte."""
    who: bytes
    """A line for each: see `Rows.who`."""
    ids: bytes
    """A line for each: the event's id."""
    clocks: Sequence[tuple[int, float]] = ()
    """Keys of clock marks, and what the arrival clock says there."""
    ranks: bytes = b""
    """Pairs of such integers, for those whose rank is not 0: the number of the row, counted from
    the first of the batch, and what orders it among those with equal keys."""


class Decoded(NamedTuple):
    """What one worker makes of its share of a batch."""

    bodies: DecodedBodies
    rows: DecodedRows


Annotations = list[bytes]
"""The tracker's answers to the rows of one worker, in their order: text for the marks."""


class Merged(NamedTuple):
    """What a batch comes to."""

    text: bytes
    """Events, one a line."""
    filtered: bytes
    """Events that a filter has taken out, the same."""

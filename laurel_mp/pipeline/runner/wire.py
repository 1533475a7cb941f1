"""The messages between the processes.

Each is a ZeroMQ multipart message: one small msgpack header, then frames of raw bytes.

    share       ingest  -> worker   header | lines | malformed
    rows        worker  -> tracker  header | who | ids
    bodies      worker  -> writer   header | heads | tails | malformed
    annotations tracker -> writer   header | annotations
    ack         writer  -> ingest   header
    snapshot    any     -> ingest   header | snapshot
    held        writer  -> ingest   header
    failure     any     -> ingest   header

A header is a list: version, kind, then the fields. Arrays of integers in it are bytes, native
unsigned 64-bit: both ends are processes of one machine. Encoding stands next to decoding; what does
not fit raises WireError, which is a fault of the program, never of the input.
"""

from __future__ import annotations

from array import array
from dataclasses import astuple
from enum import IntEnum
from typing import Any, NamedTuple

import msgpack

from laurel_mp.errors import PipelineError
from laurel_mp.events.reassembly.coalescer import Counters
from laurel_mp.events.reassembly.serial_collector import Interval, Seen
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.serial_gaps import Loss
from laurel_mp.stages.stage_messages import (
    Annotations,
    ClockMark,
    DecodedBodies,
    DecodedRows,
    Segment,
    Share,
)

VERSION = 4

_SEPARATOR = b"\n" * 5
"""Rendered text has no line feed. Python looks for one byte by byte, and for several in leaps: that
takes half of the time; more than five are looked for in another way, which takes longer."""

Frames = list[bytes]


class WireError(PipelineError):
    """A message that does not fit: processes of different versions were mixed."""


class Kind(IntEnum):
    """What a message is."""

    SHARE = 1
    ROWS = 2
    BODIES = 3
    ANNOTATIONS = 4
    ACK = 5
    SNAPSHOT = 6
    HELD = 7
    FAILURE = 8


class ShareMessage(NamedTuple):
    """One worker's part of a batch."""

    batch: int
    flags: int
    """FINAL, BARRIER, ROTATE: see `laurel_mp.pipeline.runner.batches`."""
    share: Share
    malformed: bytes
    """Lines for the log of malformed ones, in the share of the first worker only."""


class RowsMessage(NamedTuple):
    """What a worker asks the tracker about a batch."""

    batch: int
    worker: int
    flags: int
    rows: DecodedRows


class BodiesMessage(NamedTuple):
    """What a worker completed in a batch."""

    batch: int
    worker: int
    flags: int
    base: int
    """Number of the first row of the batch."""
    counters: Counters
    in_flight: int
    bodies: DecodedBodies
    malformed: bytes


class AnnotationsMessage(NamedTuple):
    """The tracker's answers about a batch, for each worker."""

    batch: int
    annotations: list[Annotations]


class AckMessage(NamedTuple):
    """The batch is in the output."""

    batch: int
    flags: int
    counters: Counters
    """Of all workers together, since the start."""
    in_flight: int
    """Lines of events that are not complete."""
    given: AssemblerCounters
    """What was given out since the start."""
    losses: tuple[Loss, ...] = ()
    """What this batch has shown to be missing."""
    is_waiting: bool = False
    """Whether there is more to say about that when the clock goes on."""


class SnapshotMessage(NamedTuple):
    """What a process knows behind a batch with a barrier."""

    batch: int
    role: str
    number: int
    """Which worker it is; 0 for others."""
    snapshot: bytes


class StalledMessage(NamedTuple):
    """An output takes nothing at present; the writer waits for it."""

    text: str


class FailureMessage(NamedTuple):
    """A process cannot go on."""

    who: str
    text: str
    output: bool
    """Whether that is because of an output."""
    closed: bool
    """Whether the reader of the output is gone."""


Report = AckMessage | SnapshotMessage | StalledMessage | FailureMessage


def _pack(kind: Kind, *fields: object) -> bytes:
    packed: bytes = msgpack.packb((VERSION, kind, *fields))
    return packed


def kind_of(frames: Frames) -> tuple[Kind, list[Any]]:
    """The kind of a message, and the fields of its header."""
    try:
        version, kind, *fields = msgpack.unpackb(frames[0])
        if version != VERSION:
            raise WireError(f"message of version {version}, expected {VERSION}")
        return Kind(kind), fields
    except (ValueError, TypeError, IndexError, msgpack.UnpackException) as error:
        raise WireError(f"unreadable message: {error}") from error


def _fields(frames: Frames, expected: Kind) -> list[Any]:
    kind, fields = kind_of(frames)
    if kind is not expected:
        raise WireError(f"{kind.name} message, expected {expected.name}")
    return fields


def encode_share(message: ShareMessage) -> Frames:
    """`message` as frames."""
    batch, flags, share, malformed = message
    flat = [number for segment in share.segments for number in segment]
    header = _pack(Kind.SHARE, batch, flags, flat, share.marks, share.end, share.final, share.notes)
    return [header, share.blob, malformed]


def decode_share(frames: Frames) -> ShareMessage:
    """The message in `frames`."""
    batch, flags, flat, marks, end, final, notes = _fields(frames, Kind.SHARE)
    segments = [Segment(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]
    share = Share(frames[1], segments, [ClockMark(*mark) for mark in marks], end, final, notes)
    return ShareMessage(batch, flags, share, frames[2])


def encode_rows(message: RowsMessage) -> Frames:
    """`message` as frames."""
    batch, worker, flags, rows = message
    base, keys, calls, who, ids, clocks, ranks = rows
    header = _pack(
        Kind.ROWS, batch, worker, flags, base, clocks, keys.tobytes(), calls, ranks.tobytes()
    )
    return [header, _SEPARATOR.join(who), _SEPARATOR.join(ids)]


def decode_rows(frames: Frames) -> RowsMessage:
    """The message in `frames`."""
    batch, worker, flags, base, clocks, keys, calls, ranks = _fields(frames, Kind.ROWS)
    who, ids = (_lines(frame, len(calls)) for frame in frames[1:])
    marks = [(key, now) for key, now in clocks]
    rows = DecodedRows(base, array("Q", keys), calls, who, ids, marks, array("Q", ranks))
    return RowsMessage(batch, worker, flags, rows)


def encode_bodies(message: BodiesMessage) -> Frames:
    """`message` as frames."""
    *header, counters, in_flight, bodies, malformed = message
    heads, tails, *arrays, intervals, notes = bodies
    numbers = [each.tobytes() for each in arrays]
    seen = [_plain_interval(interval) for interval in intervals]
    packed = _pack(Kind.BODIES, *header, astuple(counters), in_flight, numbers, seen, notes)
    return [packed, _SEPARATOR.join(heads), _SEPARATOR.join(tails), malformed]


def decode_bodies(frames: Frames) -> BodiesMessage:
    """The message in `frames`."""
    batch, worker, flags, base, counters, in_flight, *rest = _fields(frames, Kind.BODIES)
    numbers, seen, notes = rest
    arrays = [array("Q", each) for each in numbers]
    heads, tails = (_lines(frame, len(arrays[0])) for frame in frames[1:3])
    bodies = DecodedBodies(heads, tails, *arrays)._replace(
        intervals=[_interval(each) for each in seen], notes=notes
    )
    counted = Counters(*counters)
    return BodiesMessage(batch, worker, flags, base, counted, in_flight, bodies, frames[3])


def _plain_interval(interval: Interval) -> list[Any]:
    position, now, final, every = interval
    return [position, now, final, [(node, own.tobytes(), *rest) for node, own, *rest in every]]


def _interval(plain: list[Any]) -> Interval:
    position, now, final, every = plain
    seen = [Seen(node, array("Q", own), *rest) for node, own, *rest in every]
    return Interval(position, now, final, seen)


def encode_annotations(message: AnnotationsMessage) -> Frames:
    """`message` as frames; what is said several times, is there once."""
    numbers: dict[bytes, int] = {}
    number = numbers.setdefault
    which = [
        array("I", [number(each, len(numbers)) for each in annotations]).tobytes()
        for annotations in message.annotations
    ]
    return [_pack(Kind.ANNOTATIONS, message.batch, which, len(numbers)), _SEPARATOR.join(numbers)]


def decode_annotations(frames: Frames) -> AnnotationsMessage:
    """The message in `frames`."""
    batch, which, count = _fields(frames, Kind.ANNOTATIONS)
    text = _lines(frames[1], count).__getitem__
    return AnnotationsMessage(batch, [list(map(text, array("I", numbers))) for numbers in which])


def _lines(frame: bytes, count: int) -> list[bytes]:
    """What was joined."""
    return frame.split(_SEPARATOR) if count else []


def encode_report(message: Report) -> Frames:
    """`message` as frames."""
    if isinstance(message, AckMessage):
        batch, flags, counters, in_flight, given, losses, is_waiting = message
        ledger = (astuple(counters), in_flight, astuple(given))
        header = (batch, flags, *ledger, losses, is_waiting)
        return [_pack(Kind.ACK, *header)]
    if isinstance(message, SnapshotMessage):
        batch, role, number, snapshot = message
        return [_pack(Kind.SNAPSHOT, batch, role, number), snapshot]
    kind = Kind.HELD if isinstance(message, StalledMessage) else Kind.FAILURE
    return [_pack(kind, *message)]


def decode_report(frames: Frames) -> Report:
    """What comes back to ingest."""
    kind, fields = kind_of(frames)
    if kind is Kind.ACK:
        batch, flags, counters, in_flight, given, losses, is_waiting = fields
        counted = AssemblerCounters(*given)
        lost = tuple(Loss(*loss) for loss in losses)
        return AckMessage(batch, flags, Counters(*counters), in_flight, counted, lost, is_waiting)
    if kind is Kind.SNAPSHOT:
        batch, role, number = fields
        return SnapshotMessage(batch, role, number, frames[1])
    if kind is Kind.HELD:
        return StalledMessage(*fields)
    if kind is Kind.FAILURE:
        return FailureMessage(*fields)
    raise WireError(f"{kind.name} message, expected a report")

"""The messages between the processes, and their sockets.

A message is a ZeroMQ multipart message: one small msgpack header, then frames of raw bytes.

    share       ingest  -> worker   header | lines | malformed
    queries     worker  -> tracker  header | processes | ids
    bodies      worker  -> writer   header | heads | tails | malformed
    annotations tracker -> writer   header | annotations
    ack         writer  -> ingest   header
    snapshot    any     -> ingest   header | snapshot
    stalled     writer  -> ingest   header
    failure     any     -> ingest   header

A header is a list: version, kind, then the fields. Arrays of integers in it are bytes, native
unsigned 64-bit: both ends are processes of one machine. WireError is an internal error; no input
causes it.

| endpoint    | bound by | type | connected by             |
| ----------- | -------- | ---- | ------------------------ |
| `worker-K`  | ingest   | PUSH | worker K (PULL)          |
| `tracker`   | tracker  | PULL | workers (PUSH)           |
| `writer`    | writer   | PULL | workers, tracker (PUSH)  |
| `reports`   | ingest   | PULL | all children (PUSH)      |

All are `ipc://` paths in a directory of mode 0700: never the network, and never the abstract
namespace, which has no permissions. No socket has a high-water mark: `pipeline.window-bytes` bounds
the bytes in all of them together. A connected socket takes messages at once; a bound one only
while its peer is connected.
"""

from __future__ import annotations

from array import array
from dataclasses import astuple
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import zmq

from laurel_mp.errors import PipelineError
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.serial_collector import Interval, Seen
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.node_serials import Loss
from laurel_mp.stages.stage_messages import (
    Annotations,
    ClockMark,
    DecodedBodies,
    DecodedQueries,
    Segment,
    Share,
)

VERSION = 4

_SEPARATOR = b"\n" * 5
"""Rendered text has no line feed. CPython looks for one line feed byte by byte, and for several
with skips, in half of the time. From six on it uses another algorithm, which is slower."""

LINGER_MS = 2000
"""The last message must get out, but a process must not wait long for a peer that is gone."""

RECONNECT_MS = 5
"""A process may connect before its peer binds."""

Frames = list[bytes]


class WireError(PipelineError):
    """A message cannot be decoded: processes of different versions run together."""


class Kind(IntEnum):
    """Kinds of messages."""

    SHARE = 1
    QUERIES = 2
    BODIES = 3
    ANNOTATIONS = 4
    ACK = 5
    SNAPSHOT = 6
    STALLED = 7
    FAILURE = 8


class ShareMessage(NamedTuple):
    """One worker's part of a batch."""

    batch: int
    flags: int
    """FINAL, BARRIER, ROTATE, DUMP of `laurel_mp.pipeline.runner.batches`."""
    share: Share
    malformed: bytes
    """Lines for the parse-error log; only the first worker gets them."""


class QueriesMessage(NamedTuple):
    """A worker's process queries of a batch."""

    batch: int
    worker: int
    flags: int
    queries: DecodedQueries


class BodiesMessage(NamedTuple):
    """The events that a worker completed in a batch."""

    batch: int
    worker: int
    flags: int
    base: int
    """Number of the first query of the batch."""
    counters: DecoderCounters
    in_flight: int
    bodies: DecodedBodies
    malformed: bytes


class AnnotationsMessage(NamedTuple):
    """The tracker's annotations for a batch, for each worker."""

    batch: int
    annotations: list[Annotations]


class AckMessage(NamedTuple):
    """Acknowledges that a batch is written."""

    batch: int
    flags: int
    counters: DecoderCounters
    """Sums over all workers, since the start."""
    in_flight: int
    """Number of lines of incomplete events."""
    given: AssemblerCounters
    """Counters of the assembler since the start."""
    losses: tuple[Loss, ...] = ()
    """Gaps in the serials that this batch has shown."""
    awaits_clock: bool = False
    """True if a later time may show more gaps without more records."""


class SnapshotMessage(NamedTuple):
    """The snapshot of a stage behind a batch with a barrier."""

    batch: int
    role: str
    number: int
    """Index of the worker; 0 for other roles."""
    snapshot: bytes


class StalledMessage(NamedTuple):
    """An output stalls, and the writer waits for it; sent at least every half second."""

    reason: str


class FailureMessage(NamedTuple):
    """A process ends because of an error."""

    process: str
    """Its title: `worker 1/2`, `tracker`, `writer`."""
    text: str
    is_output: bool
    """True if an output cannot be used."""
    is_closed: bool
    """True if the reader of the output has closed it."""


Report = AckMessage | SnapshotMessage | StalledMessage | FailureMessage


def _pack(kind: Kind, *fields: object) -> bytes:
    packed: bytes = msgpack.packb((VERSION, kind, *fields))
    return packed


def kind_of(frames: Frames) -> tuple[Kind, list[Any]]:
    """Returns the kind of a message and the fields of its header; raises WireError."""
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
    """Returns the frames of a message."""
    batch, flags, share, malformed = message
    flat = [number for segment in share.segments for number in segment]
    header = _pack(Kind.SHARE, batch, flags, flat, share.marks, share.end, share.final, share.notes)
    return [header, share.blob, malformed]


def decode_share(frames: Frames) -> ShareMessage:
    """Returns the message in `frames`; raises WireError."""
    batch, flags, flat, marks, end, final, notes = _fields(frames, Kind.SHARE)
    segments = [Segment(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]
    share = Share(frames[1], segments, [ClockMark(*mark) for mark in marks], end, final, notes)
    return ShareMessage(batch, flags, share, frames[2])


def encode_queries(message: QueriesMessage) -> Frames:
    """Returns the frames of a message."""
    batch, worker, flags, queries = message
    base, keys, calls, processes, ids, clocks, ranks = queries
    header = _pack(
        Kind.QUERIES, batch, worker, flags, base, clocks, keys.tobytes(), calls, ranks.tobytes()
    )
    return [header, _SEPARATOR.join(processes), _SEPARATOR.join(ids)]


def decode_queries(frames: Frames) -> QueriesMessage:
    """Returns the message in `frames`; raises WireError."""
    batch, worker, flags, base, clocks, keys, calls, ranks = _fields(frames, Kind.QUERIES)
    processes, ids = (_lines(frame, len(calls)) for frame in frames[1:])
    marks = [(key, now) for key, now in clocks]
    queries = DecodedQueries(
        base, array("Q", keys), calls, processes, ids, marks, array("Q", ranks)
    )
    return QueriesMessage(batch, worker, flags, queries)


def encode_bodies(message: BodiesMessage) -> Frames:
    """Returns the frames of a message."""
    *header, counters, in_flight, bodies, malformed = message
    heads, tails, *arrays, intervals, notes = bodies
    numbers = [each.tobytes() for each in arrays]
    seen = [_plain_interval(interval) for interval in intervals]
    packed = _pack(Kind.BODIES, *header, astuple(counters), in_flight, numbers, seen, notes)
    return [packed, _SEPARATOR.join(heads), _SEPARATOR.join(tails), malformed]


def decode_bodies(frames: Frames) -> BodiesMessage:
    """Returns the message in `frames`; raises WireError."""
    batch, worker, flags, base, counters, in_flight, *rest = _fields(frames, Kind.BODIES)
    numbers, seen, notes = rest
    arrays = [array("Q", each) for each in numbers]
    heads, tails = (_lines(frame, len(arrays[0])) for frame in frames[1:3])
    bodies = DecodedBodies(heads, tails, *arrays)._replace(
        intervals=[_interval(each) for each in seen], notes=notes
    )
    counted = DecoderCounters(*counters)
    return BodiesMessage(batch, worker, flags, base, counted, in_flight, bodies, frames[3])


def _plain_interval(interval: Interval) -> list[Any]:
    position, now, final, every = interval
    return [position, now, final, [(node, own.tobytes(), *rest) for node, own, *rest in every]]


def _interval(plain: list[Any]) -> Interval:
    position, now, final, every = plain
    seen = [Seen(node, array("Q", own), *rest) for node, own, *rest in every]
    return Interval(position, now, final, seen)


def encode_annotations(message: AnnotationsMessage) -> Frames:
    """Returns the frames of a message; equal annotations are sent once."""
    numbers: dict[bytes, int] = {}
    number = numbers.setdefault
    which = [
        array("I", [number(each, len(numbers)) for each in annotations]).tobytes()
        for annotations in message.annotations
    ]
    return [_pack(Kind.ANNOTATIONS, message.batch, which, len(numbers)), _SEPARATOR.join(numbers)]


def decode_annotations(frames: Frames) -> AnnotationsMessage:
    """Returns the message in `frames`; raises WireError."""
    batch, which, count = _fields(frames, Kind.ANNOTATIONS)
    text = _lines(frames[1], count).__getitem__
    return AnnotationsMessage(batch, [list(map(text, array("I", numbers))) for numbers in which])


def _lines(frame: bytes, count: int) -> list[bytes]:
    """Splits what `_SEPARATOR` joined."""
    return frame.split(_SEPARATOR) if count else []


def encode_report(message: Report) -> Frames:
    """Returns the frames of a message."""
    if isinstance(message, AckMessage):
        batch, flags, counters, in_flight, given, losses, awaits_clock = message
        ledger = (astuple(counters), in_flight, astuple(given))
        header = (batch, flags, *ledger, losses, awaits_clock)
        return [_pack(Kind.ACK, *header)]
    if isinstance(message, SnapshotMessage):
        batch, role, number, snapshot = message
        return [_pack(Kind.SNAPSHOT, batch, role, number), snapshot]
    kind = Kind.STALLED if isinstance(message, StalledMessage) else Kind.FAILURE
    return [_pack(kind, *message)]


def decode_report(frames: Frames) -> Report:
    """Returns the report in `frames`; raises WireError."""
    kind, fields = kind_of(frames)
    if kind is Kind.ACK:
        batch, flags, counters, in_flight, given, losses, awaits_clock = fields
        counted = AssemblerCounters(*given)
        lost = tuple(Loss(*loss) for loss in losses)
        return AckMessage(
            batch, flags, DecoderCounters(*counters), in_flight, counted, lost, awaits_clock
        )
    if kind is Kind.SNAPSHOT:
        batch, role, number = fields
        return SnapshotMessage(batch, role, number, frames[1])
    if kind is Kind.STALLED:
        return StalledMessage(*fields)
    if kind is Kind.FAILURE:
        return FailureMessage(*fields)
    raise WireError(f"{kind.name} message, expected a report")


class Endpoints:
    """Makes the sockets of one process, in the process that uses them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._context = zmq.Context()

    def bind(self, kind: int, name: str) -> zmq.Socket[bytes]:
        """Returns a socket that other processes connect to."""
        socket = self._socket(kind)
        socket.bind(self._address(name))
        return socket

    def connect(self, kind: int, name: str) -> zmq.Socket[bytes]:
        """Returns a socket that connects to what another process binds, now or later."""
        socket = self._socket(kind)
        socket.connect(self._address(name))
        return socket

    def close(self, linger_ms: int = LINGER_MS) -> None:
        """Closes all sockets; waits up to `linger_ms` until their messages are delivered."""
        self._context.destroy(linger=linger_ms)

    def _address(self, name: str) -> str:
        return f"ipc://{self._directory}/{name}"

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        return socket

"""Ingest's stage: divides lines among workers, and sets the clock of the stream.

Only headers are read. The worker is a function of the node and of all but the last two digits of
the serial. So all records of an event go to one worker, and runs of lines stay together: one match
takes a whole run, by a back-reference to those digits.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from laurel_mp.records.header import ID, NODE, TYPE, count_lines
from laurel_mp.stages.packing import check, pack
from laurel_mp.stages.sharding import shard
from laurel_mp.stages.stage_messages import ClockMark, Segment, Share

STEP = 1 << 20
"""Bytes between two clock marks, at most: limits on state are checked at clock marks."""

EOE_GAP = 16 << 20
"""Bytes without an EOE record from which on a stream counts as one without EOE records."""

LEAP = 60
"""Seconds behind the latest time stamp within which a time stamp is late, and no clock change."""

LEAP_BYTES = 1 << 18
"""Bytes of lines, all further behind, that show that the latest time stamp was wrong."""


MAX_LINES = 1 << 17
"""Lines after which events are given up and forgotten, up to the clock mark before: many short
lines need more memory than their number of bytes shows."""

MAX_HEADER = 1024
"""Bytes of a valid header, at most. A line longer than the limit by more is malformed in any case,
and may be skipped before its end has arrived."""


class Malformed(NamedTuple):
    """A line that has no valid header, or is too long."""

    position: int
    line: bytes


class Batch(NamedTuple):
    """A batch, divided among workers."""

    shares: list[Share]
    malformed: list[Malformed]
    lines: int


@dataclass(slots=True)
class RouterCounters:
    """Counts input lines, since the start."""

    lines: int = 0
    malformed: int = 0


class RouterState(NamedTuple):
    """State of a `Router` between two batches; equal for any number of workers."""

    now: float
    seconds: bytes
    latest: int | None
    behind_since: int | None
    next_step: int
    last_eoe: int
    has_eoe: bool
    lines: int
    splits: list[tuple[int, int]]
    counters: RouterCounters


def _run_pattern(max_line: int) -> re.Pattern[bytes]:
    """Returns an expression for a run.

    The lines of a run have one node, and ids with the same second and serials that differ in the
    last two digits only.
    """
    body = rb"[^\n]{0,%d}\n" % max_line
    first = (
        rb"type=" + TYPE + rb" msg=audit\(([0-9]{1,12})\.[0-9]{3}:"
        rb"(?:([0-9]{1,18})[0-9]{2}|[0-9]{1,2})\):"
    )  # fmt: skip
    again = (
        rb"type=" + TYPE + rb" msg=audit\(\2\.[0-9]{3}:"
        rb"(?(3)\3[0-9]{2}|[0-9]{1,2})\):"
    )  # fmt: skip
    return re.compile(
        rb"(?:node=(" + NODE + rb") )?" + first + body
        + rb"(?:(?(1)node=\1 |)" + again + body + rb")*"
    )  # fmt: skip


_EOE = b"type=EOE msg=audit("
_IsLine = Callable[[bytes, int], re.Match[bytes] | None]


def _eoe_pattern(max_line: int) -> re.Pattern[bytes]:
    """Returns an expression for an EOE line that is not too long.

    Lines that are too long may be skipped before they reach the router, so they must not count.
    """
    header = rb"(?:node=" + NODE + rb" )?type=EOE msg=audit\(" + ID + rb"\):"
    return re.compile(header + rb"[^\n]{0,%d}\n" % max_line)


def _first_eoe(is_eoe_line: _IsLine, chunk: bytes, start: int, end: int) -> int:
    """Returns the index of the first EOE line in `chunk[start:end]`; -1 if there is none."""
    found = chunk.find(_EOE, start, end)
    while found >= 0:
        line = chunk.rfind(b"\n", start, found) + 1 or start
        if is_eoe_line(chunk, line):
            return line
        # The text is part of a record's body. Each line is checked once, however often it has that
        # text: in an EOE line, nothing like it can precede the header.
        line_end = chunk.find(b"\n", found, end)
        found = chunk.find(_EOE, line_end, end) if line_end >= 0 else -1
    return -1


def _last_eoe(is_eoe_line: _IsLine, chunk: bytes, start: int, end: int) -> int:
    """Returns the index of the last EOE line in `chunk[start:end]`; -1 if there is none."""
    found = chunk.rfind(_EOE, start, end)
    while found >= 0:
        line = chunk.rfind(b"\n", start, found) + 1 or start
        if is_eoe_line(chunk, line):
            return line
        found = chunk.rfind(_EOE, start, line)
    return -1


class _Division:
    """Collects the parts of a batch."""

    def __init__(self, workers: int) -> None:
        self.pieces: list[list[tuple[int, int]]] = [[] for _ in range(workers)]
        """Begin and end in the batch of each worker's pieces."""
        self.marks: list[ClockMark] = []
        self.malformed: list[Malformed] = []
        self.overlong = 0
        """Malformed lines so long that they may be skipped before they reach the router."""
        self._marked = -1

    def mark(self, index: int, mark: ClockMark) -> None:
        self.marks.append(mark)
        self._marked = index

    def add(self, worker: int, begin: int, end: int) -> None:
        pieces = self.pieces[worker]
        if pieces and pieces[-1][1] == begin and begin > self._marked:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((begin, end))

    def shares(self, chunk: bytes, position: int, *, final: bool) -> list[Share]:
        return [
            Share(
                _cut(chunk, pieces),
                [Segment(position + begin, end - begin) for begin, end in pieces],
                self.marks,
                position + len(chunk),
                final,
            )
            for pieces in self.pieces
        ]


def _cut(chunk: bytes, pieces: list[tuple[int, int]]) -> bytes:
    if sum(end - begin for begin, end in pieces) == len(chunk):
        return chunk
    return b"".join([chunk[begin:end] for begin, end in pieces])


class Router:
    """Divides batches among `workers`; 0 and 1 mean a single one.

    The caller sets the arrival clock. Without that, it follows the time stamps of the stream, so
    that the output is a function of the input.
    """

    def __init__(self, workers: int, *, max_line_bytes: int = 4 << 20) -> None:
        self._workers = max(workers, 1)
        self._run = _run_pattern(max_line_bytes).match
        self._is_eoe_line: _IsLine = _eoe_pattern(max_line_bytes).match
        self._longest = max_line_bytes + MAX_HEADER
        self._shards: dict[tuple[bytes | None, bytes | None], int] = {}
        self._now = 0.0
        self._seconds = b""
        self._latest: int | None = None
        self._behind_since: int | None = None
        self._next_step = STEP
        self._last_eoe = 0
        self._has_eoe = False
        self._lines = 0
        """Lines so far, without those so long that they may be skipped before."""
        self._splits: deque[tuple[int, int]] = deque([(0, 0)], maxlen=64)
        """Positions of the latest clock marks that do not depend on batches, and lines before."""
        self.counters = RouterCounters()

    def snapshot(self) -> bytes:
        """Returns the state between two batches, for any number of workers."""
        state = RouterState(
            self._now,
            self._seconds,
            self._latest,
            self._behind_since,
            self._next_step,
            self._last_eoe,
            self._has_eoe,
            self._lines,
            list(self._splits),
            self.counters,
        )
        return pack(state)

    def restore(self, snapshot: bytes) -> None:
        """Continues from a snapshot; only before the first batch. Raises SnapshotError."""
        state = check(snapshot, RouterState)
        self._now = state.now
        self._seconds = state.seconds
        self._latest = state.latest
        self._behind_since = state.behind_since
        self._next_step = state.next_step
        self._last_eoe = state.last_eoe
        self._has_eoe = state.has_eoe
        self._lines = state.lines
        self._splits.clear()
        self._splits.extend(state.splits or [(0, 0)])
        self.counters = state.counters

    @property
    def has_eoe(self) -> bool:
        """True if the stream counts as one in which events end with EOE records."""
        return self._has_eoe

    def route(
        self, chunk: bytes, position: int, *, now: float | None = None, final: bool = False
    ) -> Batch:
        """Divides `chunk`, whole lines at stream position `position`.

        `now` is the arrival time in seconds, of a monotonic clock. `final` marks the last batch.
        """
        division = _Division(self._workers)
        if now is not None and now != self._now:
            self._now = now
            division.mark(0, self._mark(position))
        follow_stamps = now is None
        start = lines = 0
        for end, has_eoe in self._split(chunk, position):
            overlong = division.overlong
            self._divide(chunk, start, end, position, division, follow_stamps)
            here = count_lines(chunk[start:end])
            lines += here
            self._lines += here - (division.overlong - overlong)
            if end < len(chunk):
                self._has_eoe = has_eoe
                self._note_split(position + end)
                division.mark(end, self._mark(position + end))
            start = end
        self.counters.lines += lines
        self.counters.malformed += len(division.malformed)
        shares = division.shares(chunk, position, final=final)
        return Batch(shares, division.malformed, lines)

    def _mark(self, position: int) -> ClockMark:
        return ClockMark(position, self._now, self._has_eoe, self._splits[0][0])

    def _note_split(self, position: int) -> None:
        self._splits.append((position, self._lines))
        while self._lines - self._splits[0][1] > MAX_LINES:
            self._splits.popleft()

    def _split(self, chunk: bytes, position: int) -> list[tuple[int, bool]]:
        """Returns the line starts at which there is a clock mark, and the end of the chunk.

        Each comes with True if EOE records are expected from there on.
        """
        splits = []
        has_eoe = self._has_eoe
        start = 0
        while True:
            step = self._step(chunk, position)
            if not has_eoe:
                eoe = _first_eoe(self._is_eoe_line, chunk, start, step)
                if eoe >= 0:
                    has_eoe = True
                    splits.append((eoe, True))
            if step >= len(chunk):
                break
            last = _last_eoe(self._is_eoe_line, chunk, start, step)
            if last >= 0:
                self._last_eoe = position + last
            if has_eoe and position + step - self._last_eoe > EOE_GAP:
                has_eoe = False
            splits.append((step, has_eoe))
            self._next_step = (position + step) // STEP * STEP + STEP
            start = step
        last = _last_eoe(self._is_eoe_line, chunk, start, len(chunk))
        if last >= 0:
            self._last_eoe = position + last
        splits.append((len(chunk), has_eoe))
        return splits

    def _step(self, chunk: bytes, position: int) -> int:
        """Returns the first line start at or behind the next step, or the end of the chunk.

        The start of a line that may be skipped for its length does not count: whether it was
        skipped must make no difference.
        """
        ahead = self._next_step - position
        start = 0
        if ahead > 0:
            line_end = chunk.find(b"\n", ahead - 1)
            start = len(chunk) if line_end < 0 else line_end + 1
        while start < len(chunk):
            line_end = chunk.index(b"\n", start)
            if line_end - start <= self._longest:
                break
            start = line_end + 1
        return start

    def _divide(
        self,
        chunk: bytes,
        start: int,
        end: int,
        position: int,
        division: _Division,
        follow_stamps: bool,
    ) -> None:
        """Divides the lines of `chunk[start:end]`."""
        run, shards = self._run, self._shards
        begin = start
        while begin < end:
            match = run(chunk, begin, end)
            if match is None:
                line_end = chunk.index(b"\n", begin)
                division.malformed.append(Malformed(position + begin, chunk[begin:line_end]))
                division.overlong += line_end - begin > self._longest
                begin = line_end + 1
                continue
            node, seconds, block = match.groups()
            stop = match.end()
            if follow_stamps and (seconds != self._seconds or self._behind_since is not None):
                self._seconds = seconds
                if self._follow(int(seconds), position + begin, position + stop):
                    division.mark(begin, self._mark(position + begin))
            worker = 0
            if self._workers > 1:
                key = (node, block)
                found = shards.get(key)
                worker = self._shard(key) if found is None else found
            division.add(worker, begin, stop)
            begin = stop

    def _follow(self, seconds: int, start: int, end: int) -> bool:
        """Advances the clock to a time stamp of the lines from `start` to `end`.

        Returns True if the clock has changed. A single line with a wrong time must not stop the
        clock forever: if all lines of LEAP_BYTES are far behind, the latest time was wrong.
        """
        latest = self._latest
        if latest is None or seconds > latest:
            if latest is not None:
                self._now += seconds - latest
            self._latest = seconds
            self._behind_since = None
            return latest is not None
        if seconds >= latest - LEAP:
            self._behind_since = None
            return False
        if self._behind_since is None:
            self._behind_since = start
        if end - self._behind_since > LEAP_BYTES:
            self._latest = seconds
            self._behind_since = None
        return False

    def _shard(self, key: tuple[bytes | None, bytes | None]) -> int:
        node, block = key
        found = shard(node, block or b"", self._workers)
        if len(self._shards) >= 4096:
            self._shards.clear()
        self._shards[key] = found
        return found

"""Cuts the input into whole lines, and these into numbered batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from laurel_mp.pipeline.runner.batches import BARRIER, SPAN, Batch
from laurel_mp.stages.packing import check, pack
from laurel_mp.stages.router import MAX_HEADER, Malformed

SHOWN = 256
"""Bytes of a far too long line that are kept for the log."""


class Chunk(NamedTuple):
    """Whole lines, and the stream position of the first."""

    position: int
    lines: bytes


class Overlong(NamedTuple):
    """The start of a line that is longer than any valid one; its rest is skipped."""

    position: int
    start: bytes


class CutterState(NamedTuple):
    """A cutter in a snapshot."""

    position: int
    kept: bytes
    is_skipping: bool
    overlong: list[Overlong]


def shown(line: bytes, max_line_bytes: int) -> bytes:
    """Returns what is kept of a malformed line: the same wherever reads end."""
    return line[:SHOWN] if len(line) > max_line_bytes + MAX_HEADER else line


class LineCutter:
    """Cuts each read at its last line feed, and keeps the rest for the next one.

    Only line feeds separate lines: records from user space may contain any other byte.
    """

    def __init__(self, max_line_bytes: int, position: int = 0) -> None:
        self._most = max_line_bytes + MAX_HEADER  # the router knows the exact limit
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._position = position
        self._skipping = False
        self.overlong: list[Overlong] = []
        """Lines that were skipped; the caller clears it."""

    def use(self, max_line_bytes: int) -> None:
        """Changes the limit."""
        if max_line_bytes + MAX_HEADER != self._most:
            self._most = max_line_bytes + MAX_HEADER
            self._limit()

    def snapshot(self) -> bytes:
        """Returns the state for `restore`."""
        kept = b"".join(self._kept)
        return pack(CutterState(self._position, kept, self._skipping, self.overlong))

    def restore(self, snapshot: bytes) -> None:
        """Continues from a snapshot; only for a new cutter. Raises SnapshotError."""
        state = check(snapshot, CutterState)
        self._position = state.position
        self._skipping = state.is_skipping
        self.overlong = state.overlong
        self._keep(state.kept)

    @property
    def position(self) -> int:
        """Stream position of the next whole line."""
        return self._position

    @property
    def is_within_a_line(self) -> bool:
        """True if the input so far ends within a line."""
        return self._skipping or bool(self._kept)

    def cut(self, data: bytes) -> Chunk | None:
        """Adds `data`; returns the lines that are complete now, if any."""
        if self._skipping:
            newline = data.find(b"\n")
            if newline < 0:
                self._position += len(data)
                return None
            self._skipping = False
            self._position += newline + 1
            data = data[newline + 1 :]
        end = data.rfind(b"\n") + 1
        if end == 0:
            self._keep(data)
            return None
        lines = b"".join([*self._kept, data[:end]]) if self._kept else data[:end]
        chunk = Chunk(self._position, lines)
        self._position += len(lines)
        self._kept, self._kept_bytes = [], 0
        self._keep(data[end:])
        return chunk

    def finish(self) -> Chunk:
        """Returns the unfinished last line, with a line feed; no lines if there is none."""
        lines = b"".join(self._kept)
        if lines:
            lines += b"\n"
        chunk = Chunk(self._position, lines)
        self._kept, self._kept_bytes = [], 0
        self._position += len(lines)
        self._skipping = False
        return chunk

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        self._kept.append(data)
        self._kept_bytes += len(data)
        self._limit()

    def _limit(self) -> None:
        if self._kept_bytes > self._most:
            start = b"".join(self._kept)[:SHOWN]
            self.overlong.append(Overlong(self._position, start))
            self._position += self._kept_bytes
            self._kept, self._kept_bytes = [], 0
            self._skipping = True


class Feed:
    """Cuts the input into batches, whose numbers rise from run to run."""

    def __init__(self, max_line_bytes: int) -> None:
        self.next_number = SPAN
        """Number of the next batch; a number is never used twice, not in a later run either."""
        self._cutter = LineCutter(max_line_bytes)
        self._mark = 0

    @property
    def is_within_a_line(self) -> bool:
        """True if the input so far does not end with a whole line."""
        return self._cutter.is_within_a_line

    @property
    def position(self) -> int:
        """Stream position of the next whole line."""
        return self._cutter.position

    def use(self, max_line_bytes: int) -> None:
        """Changes the limit for a line."""
        self._cutter.use(max_line_bytes)

    def input(self, data: bytes, now: float | None, mark: int) -> Batch | None:
        """Returns the whole lines that end with `data`, if there are any."""
        self._mark = mark
        chunk = self._cutter.cut(data)
        if chunk is None:
            return self.empty(now) if self._cutter.overlong else None
        return self._batch(chunk, now, 0)

    def rest(self, now: float | None, flags: int = 0) -> Batch:
        """Returns the last line of an input, if it has no line feed."""
        return self._batch(self._cutter.finish(), now, flags)

    def empty(self, now: float | None, flags: int = 0, notes: Sequence[bytes] = ()) -> Batch:
        """Returns a batch without lines, for what else it carries."""
        batch = self._batch(Chunk(self._cutter.position, b""), now, flags)
        batch.notes.extend(notes)
        return batch

    def barrier(self, now: float | None) -> Batch:
        """Returns a batch that does nothing but carry a barrier."""
        batch = Batch(self.next_number, self._cutter.position, b"", now, BARRIER)
        self.next_number += SPAN
        return batch

    def _batch(self, chunk: Chunk, now: float | None, flags: int) -> Batch:
        overlong = self._cutter.overlong
        skipped = [Malformed(*line) for line in overlong]
        overlong.clear()
        number = self.next_number
        self.next_number += SPAN
        batch = Batch(number, chunk.position, chunk.lines, now, flags, self._mark, skipped)
        if now is not None and chunk.lines:
            batch.since = now
        return batch

    # --- from one run to the next

    def snapshot(self) -> bytes:
        """Returns what is known of a line whose end has not come."""
        return self._cutter.snapshot()

    def restore(self, cutter: LineCutter, next_number: int) -> None:
        """Continues where a former run stopped."""
        self._cutter = cutter
        self.next_number = next_number

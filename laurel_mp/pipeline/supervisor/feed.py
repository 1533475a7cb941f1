"""Cuts the input into numbered batches."""

from __future__ import annotations

from collections.abc import Sequence

from laurel_mp.pipeline.intake.line_cutter import Chunk, LineCutter
from laurel_mp.pipeline.runner.batches import BARRIER, SPAN, Batch
from laurel_mp.stages.router import Malformed


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

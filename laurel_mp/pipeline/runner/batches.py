"""Batches, which ingest keeps for a replay until a checkpoint covers them."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from laurel_mp.stages.packing import check_plain
from laurel_mp.stages.router import Malformed

FINAL = 1
"""Flag: the last batch of the input; incomplete events are completed behind it."""

BARRIER = 2
"""Flag: each stage reports a snapshot behind this batch."""

ROTATE = 4
"""Flag: the writer begins new files behind this batch."""

DUMP = 8
"""Flag: the tracker writes the process table to the debug log behind this batch."""

SPAN = 1 << 20
"""Distance of batch numbers: a batch may be divided later, and each part needs a number."""


COST = 4096
"""Approximate bytes of a batch besides its lines, in all processes together."""

Note = Annotated[bytes, re.compile(rb"[^\n\0]*")]

Lines = Annotated[bytes, re.compile(rb"(?s:.*\n)?")]


class BatchState(NamedTuple):
    """A batch in the state file; see Batch."""

    number: int
    position: int
    lines: Lines
    now: float | None
    flags: int
    skipped: list[Malformed]
    span: int
    diverted: bool
    withdrawn: list[bytes]
    notes: list[Note]


@dataclass(slots=True, eq=False)
class Batch:
    """Whole lines, and what goes with them through all stages."""

    number: int
    position: int
    """Of the first line in the stream."""
    lines: bytes
    now: float | None
    """Arrival time; None if the clock is that of the time stamps in the stream."""
    flags: int = 0
    mark: int = 0
    """The caller's own position in its input behind this batch; returned when it is covered."""
    skipped: list[Malformed] = field(default_factory=list)
    """Starts of lines that were too long."""
    span: int = SPAN
    """Numbers that belong to this batch, from `number` on."""
    deaths: int = 0
    """Number of processes that ended while they worked on this batch."""
    diverted: bool = False
    """True if its lines are set aside: they go to the parse-error log, and to no stage."""
    withdrawn: list[bytes] = field(default_factory=list)
    """Lines that were taken out of the checkpoint before this batch, and are set aside as well."""
    notes: list[bytes] = field(default_factory=list)
    """Lines of ingest's own, which are written in front of the events of the batch."""
    since: float = field(default_factory=time.monotonic)
    """Arrival of its first line, or time of its creation (time.monotonic())."""

    def to_plain(self) -> list[Any]:
        """Returns what the state file holds of it; msgpack can pack it."""
        return list(
            BatchState(
                self.number,
                self.position,
                self.lines,
                self.now,
                self.flags,
                self.skipped,
                self.span,
                self.diverted,
                self.withdrawn,
                self.notes,
            )
        )

    @classmethod
    def of_plain(cls, plain: Any) -> Batch:
        """Returns the batch that `to_plain` packed; raises SnapshotError for anything else."""
        state = check_plain(plain, BatchState)
        return cls(
            state.number,
            state.position,
            state.lines,
            state.now,
            state.flags,
            0,
            state.skipped,
            state.span,
            0,
            state.diverted,
            state.withdrawn,
            state.notes,
        )

    @property
    def cost(self) -> int:
        """Bytes of the window that it takes, so that many small batches are bounded, too."""
        return len(self.lines) + COST

    @property
    def last_number(self) -> int:
        """The last of its numbers."""
        return self.number + self.span - 1

    @property
    def is_divisible(self) -> bool:
        """True if it has several lines and several numbers."""
        return self.span > 1 and 0 <= self.lines.find(b"\n") < len(self.lines) - 1

    def divide(self, at: int) -> tuple[Batch, Batch]:
        """Returns two batches; `at` is the offset in `lines` where the second begins."""
        lines = self.lines[:at]
        span = min(max(lines.count(b"\n"), 1), self.span - 1)
        first = Batch(
            self.number, self.position, lines, self.now, 0, 0, self.skipped, span, since=self.since
        )
        first.notes = self.notes
        second = Batch(
            self.number + span,
            self.position + at,
            self.lines[at:],
            self.now,
            self.flags,
            self.mark,
            [],
            self.span - span,
            since=self.since,
        )
        return first, second

    def middle(self) -> int:
        """Returns the offset of the line start next to the middle of a divisible batch."""
        middle = self.lines.find(b"\n", (len(self.lines) - 1) // 2) + 1
        if middle == len(self.lines):
            middle = self.lines.rfind(b"\n", 0, len(self.lines) - 1) + 1
        return middle

    def past_stages(self) -> list[Malformed]:
        """Returns the lines that no stage gets: those that are too long or set aside."""
        if not self.diverted:
            return self.skipped
        found, position = list(self.skipped), self.position
        for line in self.lines.split(b"\n")[:-1]:
            found.append(Malformed(position, line))
            position += len(line) + 1
        return found

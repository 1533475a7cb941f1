"""Batches as ingest keeps them: until a checkpoint covers them, they can be sent again."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from laurel_mp.stages.packing import check_plain
from laurel_mp.stages.router import Malformed

FINAL = 1
"""Nothing comes behind this batch: all events are over."""

BARRIER = 2
"""Behind this batch every stage tells what it knows: a checkpoint."""

ROTATE = 4
"""Behind this batch the writer begins new files."""

DUMP = 8
"""Behind this batch the tracker says in the debug log what it knows of processes."""

SPAN = 1 << 20
"""Batch numbers are so far apart: a batch can be divided later, and the parts have numbers, too."""


COST = 4096
"""Bytes that a batch takes besides its lines, about, in all processes together."""

Note = Annotated[bytes, re.compile(rb"[^\n\0]*")]

Lines = Annotated[bytes, re.compile(rb"(?s:.*\n)?")]


class BatchState(NamedTuple):
    """What a later run needs of a batch; see there."""

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
    """Whole lines, and what else goes with them through all stages."""

    number: int
    position: int
    """Where in the stream the lines stand."""
    lines: bytes
    now: float | None
    """When they arrived; None if time stamps make the clock."""
    flags: int = 0
    mark: int = 0
    """How far whoever feeds us had got with it."""
    skipped: list[Malformed] = field(default_factory=list)
    """Lines that were too long to be kept, as much of them as is shown."""
    span: int = SPAN
    """How many numbers are its own, from `number` on."""
    deaths: int = 0
    """How often a process ended while it had this batch in hand."""
    diverted: bool = False
    """Whether its lines go past the stages, to the log of malformed lines."""
    withdrawn: list[bytes] = field(default_factory=list)
    """Lines that came before a checkpoint and were taken out of it; they go there, too."""
    notes: list[bytes] = field(default_factory=list)
    """Lines of ingest's own for the output; they stand in front of the events of the batch."""
    since: float = field(default_factory=time.monotonic)
    """When the first of it came, or it was made."""

    def to_plain(self) -> list[Any]:
        """What a later run needs of it, as msgpack has it."""
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
        """The same, unpacked; raises SnapshotError for anything else."""
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
        """How much of the window it takes, in bytes: many small batches are bounded, too."""
        return len(self.lines) + COST

    @property
    def last_number(self) -> int:
        """The last of its numbers: those of its parts are not beyond."""
        return self.number + self.span - 1

    @property
    def is_divisible(self) -> bool:
        """Whether it has more than one line, and numbers enough."""
        return self.span > 1 and 0 <= self.lines.find(b"\n") < len(self.lines) - 1

    def divide(self, at: int) -> tuple[Batch, Batch]:
        """Two batches for one; `at` is where in `lines` the second begins."""
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
        """The line start next to the middle of a divisible batch."""
        middle = self.lines.find(b"\n", (len(self.lines) - 1) // 2) + 1
        if middle == len(self.lines):
            middle = self.lines.rfind(b"\n", 0, len(self.lines) - 1) + 1
        return middle

    def past_stages(self) -> list[Malformed]:
        """Its lines that no stage gets, and that have not been counted yet."""
        if not self.diverted:
            return self.skipped
        found, position = list(self.skipped), self.position
        for line in self.lines.split(b"\n")[:-1]:
            found.append(Malformed(position, line))
            position += len(line) + 1
        return found

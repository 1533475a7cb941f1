"""The state from which a new stage runner, or the next run, continues.

A saved recovery point is a map that msgpack can pack:

    checkpoint  the last checkpoint, or nil
    cutter      a line whose end has not come             } only if the run that
    batches     all batches behind the checkpoint         } saved it was stopped:
    next        number of the next batch                  } the next run then
    leave_out   output up to this batch was written       } continues exactly there
    unwritten   output that was begun, and not finished   }
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from laurel_mp.config import Config
from laurel_mp.errors import SnapshotError
from laurel_mp.pipeline.runner.batches import SPAN
from laurel_mp.pipeline.runner.stage_runner import Snapshots
from laurel_mp.pipeline.supervisor.checkpoint import Checkpoint
from laurel_mp.pipeline.supervisor.feed import Feed, LineCutter
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.pipeline.supervisor.replay_buffer import ReplayBuffer
from laurel_mp.pipeline.supervisor.session import Session
from laurel_mp.stages.packing import check_plain
from laurel_mp.stages.snapshots import without_events, without_serials


@dataclass(slots=True)
class RecoveryPoint:
    """The last checkpoint, and all batches behind it."""

    checkpoint: Checkpoint | None = None
    batches: ReplayBuffer = field(default_factory=ReplayBuffer)
    written_through: int = 0
    """The output of batches up to this number is written, or in the journal."""
    unwritten: Any = None
    """Output that a stopped runner had begun to write; msgpack-able."""

    def stopped(self, written: int, unwritten: Any) -> None:
        """Notes how far a stopped runner has written."""
        self.unwritten = unwritten
        batch = self.batches.with_number(written)
        self.written_through = max(
            self.written_through, written if batch is None else batch.last_number
        )

    def to_plain(self, feed: Feed, *, all_of_it: bool) -> dict[str, Any]:
        """Returns a saved recovery point; see above.

        Without `all_of_it` the next run gets the processes and events in flight only.
        """
        state: dict[str, Any] = {
            "checkpoint": self.checkpoint.to_plain() if self.checkpoint is not None else None
        }
        if all_of_it:
            state["cutter"] = feed.snapshot()
            state["batches"] = self.batches.to_plain()
            state["next"] = feed.next_number
            state["leave_out"] = self.written_through
            state["unwritten"] = self.unwritten
        return state


class FormerRun:
    """The recovery point that a former run has saved, for `Pipeline.start`."""

    def __init__(
        self, point: RecoveryPoint, cutter: LineCutter, next_number: int, *, was_stopped: bool
    ) -> None:
        self.point = point
        self.cutter = cutter
        self.next_number = next_number
        self._was_stopped = was_stopped

    @property
    def reported(self) -> int:
        """Number of the last batch whose malformed lines the former run has reported."""
        last = self.point.batches.last
        return last.last_number if last is not None else 0

    @property
    def first_own(self) -> int:
        """Number of the first batch that is not of the former run."""
        return self.next_number if self._was_stopped else 0

    @classmethod
    def of_plain(cls, state: dict[str, Any], config: Config) -> FormerRun:
        """Reads what RecoveryPoint.to_plain has returned.

        Raises SnapshotError, or KeyError, ValueError, TypeError or IndexError for anything else.
        """
        point, number, position, next_number = RecoveryPoint(), 0, 0, SPAN
        if state["checkpoint"] is not None:
            checkpoint = point.checkpoint = Checkpoint.of_plain(state["checkpoint"])
            checkpoint.check()
            number, position = checkpoint.number, checkpoint.position
            next_number = number + SPAN
        most = config.pipeline.max_line_bytes
        if "batches" not in state:
            return cls(point, LineCutter(most, position), next_number, was_stopped=False)
        cutter = LineCutter(most)
        cutter.restore(state["cutter"])
        point.batches.restore(state["batches"], number, position)
        next_number = check_plain(state["next"], int)
        point.written_through = check_plain(state["leave_out"], int)
        if point.written_through >= next_number:
            raise SnapshotError("more is written than was read")
        last = point.batches.last
        if last is not None:
            number, position = last.last_number, last.position + len(last.lines)
        if number >= next_number or position > cutter.position:
            raise SnapshotError(f"the next batch is {next_number}, behind {number}")
        return cls(point, cutter, next_number, was_stopped=True)

    @classmethod
    def behind(cls, next_number: int, config: Config) -> FormerRun:
        """Returns a run that has left nothing but the number of the next batch."""
        cutter = LineCutter(config.pipeline.max_line_bytes)
        return cls(RecoveryPoint(), cutter, next_number, was_stopped=False)

    @property
    def is_within_a_line(self) -> bool:
        """True if its input does not end with a whole line."""
        return self.cutter.is_within_a_line

    def ledger(self, config: Config) -> Ledger:
        """Returns the counters of former runs."""
        return Session(config, self.point.checkpoint).ledger()

    def drop_written(self, written: Callable[[set[bytes]], set[bytes]]) -> None:
        """Drops those events in flight that `written` returns: the former run has written them.

        For a run that was killed after it had saved its state. Raises SnapshotError.
        """
        checkpoint = self.point.checkpoint
        if checkpoint is None or self._was_stopped:
            return
        # Serials of events that came, and of events that were lost, cannot be told apart from
        # here on: the search for missing serials starts over.
        stages = replace(checkpoint.stages, assembler=without_serials(checkpoint.stages.assembler))
        ack = checkpoint.ack
        keys: set[bytes] = set()

        def note(key: bytes) -> bool:
            keys.add(key)
            return False

        without_events(stages.decoders, stages.assembler, note)
        known = written(keys) if keys else set()
        if known:
            decoders, assembler, lines = without_events(
                stages.decoders, stages.assembler, known.__contains__
            )
            stages = Snapshots(decoders, stages.tracker, assembler)
            ack = ack._replace(in_flight=ack.in_flight - len(lines))
        self.point.checkpoint = replace(checkpoint, stages=stages, ack=ack)

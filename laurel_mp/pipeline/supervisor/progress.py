"""Follows what the stage runner reports, and has a checkpoint made from time to time."""

from __future__ import annotations

from laurel_mp.pipeline.runner import wire
from laurel_mp.pipeline.runner.batches import BARRIER, FINAL
from laurel_mp.pipeline.supervisor.checkpoint import Checkpoint
from laurel_mp.pipeline.supervisor.checkpoint_schedule import Schedule
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.recovery import Recovery
from laurel_mp.system.malloc import GiveBack

IDLE = 3600.0
"""Seconds to wait when nothing is due."""


class Progress:
    """Takes the reports, and drops the batches that a checkpoint covers.

    Batches before `first_own` are of a former run, whose end is not that of this run.
    """

    def __init__(self, recovery: Recovery, hooks: Hooks) -> None:
        self.finished = False
        """True when the last batch is written."""
        self.covered = 0
        """The mark of the last batch that a checkpoint covers."""
        self.checkpoints = 0
        self.first_own = 0
        self._recovery = recovery
        self._hooks = hooks
        self._schedule = Schedule()
        self._give_back = GiveBack()
        self._losses_told = 0
        """Number of the last batch whose missing events were told."""

    def places_barrier(self, cost: int, window: int, flags: int) -> bool:
        """Returns True if a batch that takes `cost` bytes of a window gets a barrier."""
        is_due = self._schedule.keep(cost, window) and not self._recovery.session.pending
        if not (is_due or flags & BARRIER):
            return False
        self._schedule.begin()
        return True

    def take(self, report: wire.Report) -> None:
        """Takes a report of the stage runner."""
        if isinstance(report, wire.AckMessage):
            self._recovery.session.acknowledge(report)
            self._recovery.wrote()
            self._tell_losses(report)
            if not report.flags & BARRIER and self._is_end(report.batch, report.flags):
                self.finished = True
        elif isinstance(report, wire.SnapshotMessage):
            checkpoint = self._recovery.session.add_snapshot(report)
            if checkpoint is not None:
                self._cover(checkpoint)
        elif isinstance(report, wire.StalledMessage):
            self._recovery.stalled = report.reason

    def is_barrier_due(self) -> bool:
        """Returns True if it is time for a barrier although there is no input."""
        if self.finished or not self._recovery.session.is_running:
            return False
        return self._needs_barrier and not self._schedule.left(is_covered=self._is_covered)

    def next_due(self) -> float:
        """Returns the seconds until a barrier is due, or until to ask again."""
        if self._needs_barrier:
            return self._schedule.left(is_covered=self._is_covered)
        return IDLE if self._is_covered else self._schedule.period

    @property
    def _is_covered(self) -> bool:
        return not self._recovery.point.batches

    @property
    def _needs_barrier(self) -> bool:
        """True if a barrier is of use although there is no input."""
        if self._recovery.session.pending:
            return False
        last = self._recovery.point.batches.last
        if last is None:
            return self._give_back.is_due  # all processes give memory back behind a barrier
        return not self._is_end(last.number, last.flags)

    def _tell_losses(self, ack: wire.AckMessage) -> None:
        """Tells which events a batch has shown to be missing, even if it is replayed, once."""
        if ack.losses and ack.batch > self._losses_told:
            batch = self._recovery.point.batches.with_number(ack.batch)
            self._losses_told = batch.last_number if batch is not None else ack.batch
            self._hooks.losses(ack.losses)

    def _cover(self, checkpoint: Checkpoint) -> None:
        """Drops all batches that a checkpoint covers."""
        self._recovery.point.checkpoint = checkpoint
        self._recovery.made_checkpoint()
        self._schedule.made(checkpoint.size)
        self.checkpoints += 1
        for batch in self._recovery.point.batches.release(checkpoint.number):
            self._give_back.passed(len(batch.lines))
            self.covered = max(self.covered, batch.mark)
            if self._is_end(batch.number, batch.flags):
                self.finished = True
        self._give_back()

    def _is_end(self, number: int, flags: int) -> bool:
        return bool(flags & FINAL) and number >= self.first_own

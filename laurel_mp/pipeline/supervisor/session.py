"""The life of one stage runner: what it was given, and what it has reported."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from laurel_mp.config import Config
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.runner.batches import BARRIER, FINAL, Batch
from laurel_mp.pipeline.runner.stage_runner import (
    Snapshots,
    StageRunner,
    StageRunnerError,
    StartState,
)
from laurel_mp.pipeline.supervisor.checkpoint import Checkpoint, PendingCheckpoint
from laurel_mp.pipeline.supervisor.feed import shown
from laurel_mp.pipeline.supervisor.in_flight_batches import InFlightBatches
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.router import Malformed
from laurel_mp.stages.snapshots import redistribute
from laurel_mp.stages.stage_messages import Share

NOTHING = wire.AckMessage(0, 0, DecoderCounters(), 0, AssemblerCounters())
"""Stands for the first acknowledgement until it comes."""


class Routed(NamedTuple):
    """A batch on its way to the stage runner."""

    shares: list[Share]
    malformed: list[Malformed]
    text: bytes
    """Lines for the log of malformed lines."""


class Session:
    """Routes batches to a stage runner, and takes its reports. Each runner gets a new session.

    It starts from a checkpoint, or from nothing. When its runner has stopped, its counters stay.
    """

    def __init__(self, config: Config, checkpoint: Checkpoint | None = None) -> None:
        self.ack = NOTHING
        """The latest acknowledgement."""
        self.in_flight = InFlightBatches()
        self.router = stage_options.router(config, stage_options.worker_count(config))
        self.pending: dict[int, PendingCheckpoint] = {}
        """Checkpoints whose parts have not all come, by batch."""
        self._max_line_bytes = config.pipeline.max_line_bytes
        self._skipped = 0
        """Malformed lines that the router does not get."""
        self._withdrawn = 0
        """Malformed lines that the router has counted as valid ones."""
        self._runner: StageRunner | None = None
        self._sent = self._acknowledged = 0
        self._last_progress = time.monotonic()
        if checkpoint is not None:
            self.router.restore(checkpoint.router)
            self._skipped, self._withdrawn = checkpoint.unrouted
            self.ack = checkpoint.ack

    # --- the runner

    @property
    def is_running(self) -> bool:
        """True until the runner is stopped."""
        return self._runner is not None

    def start(self, runner: StageRunner, state: StartState) -> None:
        """Starts the runner; `stop` is due in any case. Raises what StageRunner.start raises."""
        self._runner = runner
        self._last_progress = time.monotonic()
        runner.start(state)

    def stop(self) -> tuple[int, Any]:
        """Kills the runner.

        Returns the number of the last batch that it has written, and what it has begun to write.
        """
        assert self._runner is not None
        written = self._runner.stop()
        unwritten = self._runner.unwritten()
        self._runner = None
        return written, unwritten

    def close(self) -> None:
        """Ends a runner that has done everything."""
        assert self._runner is not None
        self._runner.close()
        self._runner = None

    def filenos(self) -> tuple[int, ...]:
        """Descriptors of which one is readable when there may be reports."""
        return self._runner.filenos() if self._runner is not None else ()

    def pids(self) -> dict[str, int]:
        """Process ids of the runner's processes, by name."""
        return self._runner.pids() if self._runner is not None else {}

    # --- batches and reports

    def route(self, batch: Batch) -> Routed:
        """Divides a batch into a share for each worker, and counts its malformed lines."""
        routed = self.router.route(
            b"" if batch.diverted else batch.lines,
            batch.position,
            now=batch.now,
            final=bool(batch.flags & FINAL),
        )
        shares, malformed, text = routed.shares, routed.malformed, b""
        if batch.skipped or batch.diverted:
            skipped = batch.past_stages()
            self._skipped += len(skipped)
            malformed = [*malformed, *skipped]
        if malformed or batch.withdrawn:
            malformed = sorted(malformed)
            self._withdrawn += len(batch.withdrawn)
            lines = [shown(line.line, self._max_line_bytes) for line in malformed]
            text = b"".join([line + b"\n" for line in lines + batch.withdrawn])
        if batch.flags & BARRIER:
            self.pending[batch.number] = PendingCheckpoint(
                batch.number,
                batch.position + len(batch.lines),
                len(shares),
                self.router.snapshot(),
                (self._skipped, self._withdrawn),
            )
        if batch.notes:
            shares = [shares[0]._replace(notes=batch.notes), *shares[1:]]
        return Routed(shares, malformed, text)

    def send(self, batch: Batch, routed: Routed) -> None:
        """Hands a routed batch to the runner. Raises what StageRunner.send raises."""
        assert self._runner is not None
        if self._acknowledged == self._sent:
            self._last_progress = time.monotonic()  # the runner had nothing to do before this
        self._sent = batch.number
        self.in_flight.add(batch.number, batch.cost, batch.since)
        self._runner.send(batch.number, batch.flags, routed.shares, routed.text)

    def receive(self, timeout_ms: int) -> Sequence[wire.Report]:
        """Waits for reports. Raises what StageRunner.receive raises."""
        assert self._runner is not None
        reports = self._runner.receive(timeout_ms)
        if reports:
            self._last_progress = time.monotonic()
        return reports

    def acknowledge(self, ack: wire.AckMessage) -> None:
        """Notes that a batch is written."""
        self.ack = ack
        self._acknowledged = ack.batch
        self.in_flight.written(ack.batch)
        if ack.batch in self.pending:
            self.pending[ack.batch].acknowledge(ack)

    def add_snapshot(self, part: wire.SnapshotMessage) -> Checkpoint | None:
        """Notes the snapshot of a stage; returns the checkpoint if this was its last part."""
        pending = self.pending[part.batch]
        pending.add(part)
        checkpoint = pending.complete()
        if checkpoint is not None:
            for number in [number for number in self.pending if number <= checkpoint.number]:
                del self.pending[number]
        return checkpoint

    def hang(self, seconds: float) -> StageRunnerError | None:
        """Returns an error if the runner has batches and has reported nothing for so long."""
        assert self._runner is not None
        is_busy = self._acknowledged < self._sent
        if is_busy and time.monotonic() - self._last_progress > seconds:
            return self._runner.explain_hang()
        return None

    def ledger(self) -> Ledger:
        """Returns the counters; they balance when all batches are acknowledged."""
        ack = self.ack
        ledger = Ledger(in_flight=ack.in_flight)
        ledger.add(ack.counters)
        ledger.add_given(ack.given)
        ledger.lines = self.router.counters.lines + self._skipped
        ledger.malformed = self.router.counters.malformed + self._skipped + self._withdrawn
        return ledger


def snapshots_for(config: Config, checkpoint: Checkpoint | None) -> Snapshots | None:
    """Returns the snapshots of a checkpoint for the configured number of workers."""
    if checkpoint is None:
        return None
    stages, workers = checkpoint.stages, stage_options.worker_count(config)
    decoders, assembler = redistribute(stages.decoders, stages.assembler, workers)
    return Snapshots(decoders, stages.tracker, assembler)

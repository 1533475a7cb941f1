"""A stage runner that fails when a test wants it to, with real stages."""

from collections.abc import Callable
from dataclasses import astuple, dataclass, field, replace

from laurel_mp.config import Config
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.runner.batches import BARRIER
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.stage_runner import (
    OnStall,
    StageRunner,
    StageRunnerError,
    StartState,
)
from laurel_mp.stages.stage_messages import Share
from tests.support.pipelines import Stages


@dataclass
class Written:
    """The output of all stage runners of a run."""

    text: list[bytes] = field(default_factory=list)
    malformed: list[bytes] = field(default_factory=list)
    batch: int = 0


Fails = Callable[[bytes], str]
"""Decides if a runner fails at a batch with these lines: "before" it is written, "behind" that, or
not at all, which is an empty text."""


class FailingRunner(StageRunner):
    """Runs stages in this process, and loses all state when it fails, like one that is killed."""

    def __init__(self, config: Config, written: Written, fails: Fails) -> None:
        self._config = config
        self._written = written
        self._fails = fails
        self._reports: list[wire.Report] = []
        self._workers = stage_options.worker_count(config)

    def start(self, state: StartState) -> None:
        """Start from snapshots, if there are any."""
        self._written_through = state.written_through
        self._stages = Stages(self._config, self._workers)
        if state.snapshots is not None:
            for decoder, snapshot in zip(
                self._stages.decoders, state.snapshots.decoders, strict=True
            ):
                decoder.restore(snapshot)
            self._stages.tracker.restore(state.snapshots.tracker)
            self._stages.assembler.restore(state.snapshots.assembler)

    def send(self, batch: int, flags: int, shares: list[Share], malformed: bytes) -> None:
        """Do all that is to be done, or fail."""
        failure = self._fails(b"".join([share.blob for share in shares]))
        if failure == "before":
            raise StageRunnerError("it fails", batch)
        merged = self._stages.run(batch, flags, shares, malformed)
        if batch > self._written_through:
            self._written.text.append(merged.text)
            self._written.malformed.append(malformed)
            self._written.batch = batch
        if failure:
            raise StageRunnerError("it fails", batch)
        stages = self._stages
        counters = [astuple(each.counters) for each in stages.decoders]
        total = [sum(numbers) for numbers in zip(*counters, strict=True)]
        given = replace(stages.assembler.counters)
        in_flight = sum(each.in_flight_lines for each in stages.decoders)
        assembler = stages.assembler
        ack = wire.AckMessage(
            batch,
            flags,
            DecoderCounters(*total),
            in_flight,
            given,
            assembler.losses,
            assembler.awaits_clock,
        )
        self._reports.append(ack)
        if flags & BARRIER:
            snapshots = [("worker", each.snapshot()) for each in stages.decoders]
            self._reports += [
                wire.SnapshotMessage(batch, role, number, snapshot)
                for number, (role, snapshot) in enumerate(snapshots)
            ]
            for role, snapshot in (
                ("tracker", stages.tracker.snapshot()),
                ("writer", stages.assembler.snapshot()),
            ):
                self._reports.append(wire.SnapshotMessage(batch, role, 0, snapshot))

    def receive(self, timeout_ms: int) -> list[wire.Report]:  # noqa: ARG002 - they are there
        """Reports of the runner, as far as it does not fail."""
        reports, self._reports = self._reports, []
        return reports

    def stop(self) -> int:
        """Forget everything."""
        return self._written.batch

    def close(self) -> None:
        """Nothing is open."""


def failing_runners(
    written: Written, fails: Fails
) -> Callable[[Config, Outputs, OnStall], StageRunner]:
    """Returns a function that makes failing runners."""
    return lambda config, _outputs, _on_stall: FailingRunner(config, written, fails)

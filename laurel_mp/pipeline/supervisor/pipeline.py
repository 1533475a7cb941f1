"""A pipeline: bytes in, events in the outputs, and at the end a ledger that balances.

It cuts the input into batches, hands them to a stage runner, and keeps each until a checkpoint
covers it. What happens when a runner fails is in recovery.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from laurel_mp.config import Config
from laurel_mp.pipeline.runner.batches import BARRIER, DUMP, FINAL, ROTATE, Batch
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.supervisor.feed import Feed
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.in_flight_batches import Waiting
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.pipeline.supervisor.progress import Progress
from laurel_mp.pipeline.supervisor.recovery import MakeRunner, Recovery
from laurel_mp.pipeline.supervisor.recovery_point import FormerRun, RecoveryPoint

IN_FLIGHT = 4
"""This part of the window may be in flight: more makes nothing faster, and fills all queues."""


class PipelineStatistics(NamedTuple):
    """Counters of a pipeline, and its use of the window."""

    checkpoints: int
    recoveries: int
    """Number of stage runners that were replaced because they had failed."""
    reloads: int
    """Number of reloads."""
    set_aside: int
    """Lines that were set aside because processes died over them."""
    failures: dict[str, int]
    """Number of recoveries by the process that caused them."""
    window_bytes: int
    """Input that no checkpoint covers."""
    in_flight_bytes: int
    """Input that was handed over and is not written."""
    in_flight_limit: int


class Pipeline:
    """Feeds a stage runner, and replaces it when it fails. Not for use from several threads.

    A `patient` pipeline never gives up, however often its runner fails. It keeps up to `windows`
    windows of input until a checkpoint covers it.
    """

    def __init__(
        self,
        config: Config,
        outputs: Outputs,
        make_runner: MakeRunner,
        hooks: Hooks,
        *,
        patient: bool = False,
        windows: int = 1,
    ) -> None:
        self._windows = windows
        self._feed = Feed(config.pipeline.max_line_bytes)
        self._recovery = Recovery(config, outputs, make_runner, hooks, patient=patient)
        self._progress = Progress(self._recovery, hooks)

    # --- start and end

    def start(self, former: FormerRun | None = None, *, is_restart: bool = False) -> None:
        """Starts a stage runner, which continues from a former run if there is one.

        With `is_restart`, processes that the former run knew may have ended. `close` is due in
        any case.
        """
        point, reported = RecoveryPoint(), 0
        if former is not None:
            point, reported = former.point, former.reported
            self._progress.first_own = former.first_own
            self._feed.restore(former.cutter, former.next_number)
        self._recovery.start(point, reported, is_restart=is_restart)

    def stop(self) -> None:
        """Kills the stage runner, whatever it is doing."""
        self._recovery.stop()

    def save(self, *, all_of_it: bool) -> dict[str, Any]:
        """Returns what FormerRun.of_plain reads: a map that msgpack can pack.

        With `all_of_it`, after `stop`, the next run continues exactly here. Without, it knows the
        processes and the events in flight of the last checkpoint.
        """
        return self._recovery.point.to_plain(self._feed, all_of_it=all_of_it)

    def close(self) -> None:
        """Ends the stage runner, in whatever state it is."""
        if self.finished:
            self._recovery.close()
        else:
            self._recovery.stop()

    # --- input

    @property
    def config(self) -> Config:
        """The configuration that is in force."""
        return self._recovery.config

    @property
    def next_number(self) -> int:
        """Number of the next batch."""
        return self._feed.next_number

    @property
    def position(self) -> int:
        """Stream position of the next whole line."""
        return self._feed.position

    @property
    def is_busy(self) -> bool:
        """True if there are batches that no checkpoint covers."""
        return bool(self._recovery.point.batches)

    @property
    def has_room(self) -> bool:
        """True if `feed` does not wait."""
        recovery = self._recovery
        window = recovery.config.pipeline.window_bytes
        return (
            recovery.takes_batches
            and recovery.point.batches.bytes < self._windows * window
            and recovery.session.in_flight.bytes < window // IN_FLIGHT
        )

    def feed(self, data: bytes, now: float | None = None, mark: int = 0) -> None:
        """Takes bytes as they were read; waits until there is room.

        `now` is their arrival time in seconds, of a clock that never goes back. Without it,
        time stamps in the stream are the clock. `covered` gets the value `mark` when a checkpoint
        covers them.
        """
        self._wait_for_room()
        batch = self._feed.input(data, now, mark)
        if batch is not None:
            self._take(batch)

    def end_of_line(self, now: float | None = None) -> None:
        """Ends a line that has no line feed: the next input is another one."""
        self._wait_for_room()
        batch = self._feed.rest(now)
        if batch.lines:
            self._take(batch)

    def note(self, lines: list[bytes], now: float) -> None:
        """Writes lines that are no events, each a JSON object, behind the input so far."""
        self._wait_for_room()
        self._take(self._feed.empty(now, notes=lines))

    def tick(self, now: float) -> None:
        """Moves the clock when there is no input, so that incomplete events expire."""
        self._wait_for_room()
        self._take(self._feed.empty(now))

    def rotate(self, now: float | None = None) -> None:
        """Begins new output files behind the input so far."""
        self._wait_for_room()
        self._take(self._feed.empty(now, ROTATE))

    def dump(self, now: float | None = None) -> None:
        """Writes the process table to the debug log, as it is behind the input so far."""
        self._wait_for_room()
        self._take(self._feed.empty(now, DUMP))

    def end(self, now: float | None = None, *, checkpoint: bool = False) -> None:
        """Ends the input: completes all events, and then sets `finished`.

        With `checkpoint`, `finished` is set behind a last checkpoint.
        """
        self._wait_for_room()
        self._take(self._feed.rest(now, FINAL | (BARRIER if checkpoint else 0)))

    def finish(self, now: float | None = None) -> None:
        """Ends the input, and waits until everything is written."""
        self.end(now)
        while not self.finished:
            self.step(1000)

    def reload(self, config: Config, outputs: Outputs) -> None:
        """Puts a configuration in force, behind the input so far."""
        self._recovery.reload(config, outputs)
        last = self._recovery.point.batches.last
        if last is not None and self._recovery.session.is_running and not last.flags & BARRIER:
            self._place_barrier()

    def _wait_for_room(self) -> None:
        while not self.has_room:
            self.step(1000)

    def _take(self, batch: Batch) -> None:
        window = self._windows * self.config.pipeline.window_bytes
        if self._progress.places_barrier(batch.cost, window, batch.flags):
            batch.flags |= BARRIER
        self._recovery.hand_over(batch)

    def _place_barrier(self) -> None:
        last = self._recovery.point.batches.last
        self._take(self._feed.barrier(last.now if last else None))

    # --- reports

    def filenos(self) -> tuple[int, ...]:
        """Descriptors of which one is readable when there may be reports; `step` changes them."""
        return self._recovery.session.filenos()

    def step(self, timeout_ms: int = 0) -> None:
        """Takes reports, the first within `timeout_ms`, and does what is due.

        Raises OutputError if an output cannot be used, and PipelineError if the runner has failed
        too often.
        """
        for report in self._recovery.receive(timeout_ms):
            self._progress.take(report)
        self._recovery.step(is_finished=self._progress.finished)
        self._feed.use(self.config.pipeline.max_line_bytes)
        if self._progress.is_barrier_due():
            self._place_barrier()

    def next_due(self) -> float:
        """Returns the seconds until `step` has something to do, whatever is reported."""
        due = self._recovery.next_due()
        return self._progress.next_due() if due is None else due

    @property
    def finished(self) -> bool:
        """True when everything is written, after `end`."""
        return self._progress.finished

    @property
    def covered(self) -> int:
        """The mark of the last batch that a checkpoint covers."""
        return self._progress.covered

    @property
    def has_checkpoint(self) -> bool:
        """True if there was a checkpoint in this run."""
        return self._progress.checkpoints > 0

    # --- statistics

    @property
    def stalled(self) -> str:
        """Reason that the output stalls; empty if it does not."""
        return self._recovery.stalled

    @property
    def has_eoe(self) -> bool:
        """True if the stream is taken for one in which events end with an EOE record."""
        return self._recovery.session.router.has_eoe

    @property
    def in_flight(self) -> int:
        """Number of lines of events that are not complete, at the last acknowledgement."""
        return self._recovery.session.ack.in_flight

    @property
    def awaits_clock(self) -> bool:
        """True if the next clock marks may show that events are missing."""
        return self._recovery.session.ack.awaits_clock

    def ledger(self) -> Ledger:
        """Returns the counters; they balance when all input is acknowledged."""
        return self._recovery.session.ledger()

    def waiting(self, done: int, upto: int | None = None) -> Waiting:
        """See InFlightBatches.waiting."""
        return self._recovery.session.in_flight.waiting(done, upto)

    def pids(self) -> dict[str, int]:
        """Process ids of the runner's processes by name, as far as they are known."""
        return self._recovery.session.pids()

    def statistics(self) -> PipelineStatistics:
        """Returns counters of this run."""
        recovery = self._recovery
        return PipelineStatistics(
            self._progress.checkpoints,
            recovery.recoveries,
            recovery.reloads,
            recovery.set_aside,
            dict(recovery.failures),
            recovery.point.batches.bytes,
            recovery.session.in_flight.bytes,
            recovery.config.pipeline.window_bytes // IN_FLIGHT,
        )

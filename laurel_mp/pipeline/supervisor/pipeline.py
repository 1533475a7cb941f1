"""A pipeline, as those see it who feed it: bytes in, and in the end a ledger that balances.

It cuts the input into lines, routes them and leaves the rest to a crew. What it has handed over
it keeps until a checkpoint covers it. So there is one way out of everything that can happen to a
crew, and also to a new configuration: stop the crew, start another one from the checkpoint,
hand over again what came behind that.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from laurel_mp.config import Config
from laurel_mp.errors import OutputError, PipelineError, SnapshotError
from laurel_mp.events.reassembly.coalescer import Counters
from laurel_mp.pipeline.intake.line_cutter import Chunk, LineCutter
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.runner.batches import BARRIER, DUMP, FINAL, ROTATE, SPAN, Batch
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.stage_runner import (
    GaveUpError,
    OnStall,
    Snapshots,
    StageRunner,
    StageRunnerError,
    StartState,
)
from laurel_mp.pipeline.supervisor import poison
from laurel_mp.pipeline.supervisor.checkpoint import Checkpoint, PendingCheckpoint
from laurel_mp.pipeline.supervisor.checkpoint_schedule import Schedule
from laurel_mp.pipeline.supervisor.in_flight_batches import InFlightBatches, Waiting
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.pipeline.supervisor.poison import Poison
from laurel_mp.pipeline.supervisor.replay_buffer import ReplayBuffer
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.packing import check_plain
from laurel_mp.stages.router import Malformed, Router
from laurel_mp.stages.serial_gaps import Loss
from laurel_mp.stages.snapshots import redistribute, without_events, without_serials
from laurel_mp.system.malloc import GiveBack

RELOAD_SECONDS = 5.0
"""How long a new configuration waits for a checkpoint, before it does without a fresh one."""

LONGEST_PAUSE = 5.0
"""Seconds to wait at most before a crew that has failed again and again is started anew."""

FAILURES = 8
"""So many in a row, without a checkpoint between them, are the end of an offline command."""

UNWRITTEN = 4
"""That part of it may be under way: more makes nothing faster, and fills everybody's queues."""

NOTHING = wire.AckMessage(0, 0, Counters(), 0, AssemblerCounters())
"""Before the first acknowledgement."""

OnMalformed = Callable[[Malformed], None]
MakeRunner = Callable[[Config, Outputs, OnStall], StageRunner]

log = logging.getLogger(__name__)


class Reload(NamedTuple):
    """A configuration that is to come into force."""

    config: Config
    outputs: Outputs
    deadline: float


class Room(NamedTuple):
    """How much of the window is in use, in bytes."""

    window: int
    under_way: int
    under_way_limit: int


class Pipeline:
    """Feeds a crew, and replaces it when it fails. Not for use from several threads.

    A `patient` pipeline never gives up, however often its crew fails. It keeps up to `windows`
    windows of input until a checkpoint covers it.
    """

    def __init__(
        self,
        config: Config,
        outputs: Outputs,
        make_runner: MakeRunner,
        on_malformed: OnMalformed,
        *,
        patient: bool = False,
        first_number: int = 0,
        windows: int = 1,
    ) -> None:
        self.config = config
        self.finished = False
        """Whether everything is written, after `end`."""
        self.held = ""
        """Why the output takes nothing at present."""
        self.on_losses: Callable[[Sequence[Loss]], None] = lambda _losses: None
        """Is told what is missing, once."""
        self.is_urgent: Callable[[], bool] = lambda: False
        """Whether an output that takes nothing is not to be waited for any longer."""
        self.covered = 0
        """The mark of the last batch that a checkpoint covers."""
        self.checkpoints = 0
        """How many there were in this run."""
        self.recoveries = 0
        """How often a crew was replaced because it had failed."""
        self.reloads = 0
        """How often another configuration was put in force."""
        self.set_aside = 0
        """Lines that were taken out because processes died over them."""
        self.failures: Counter[str] = Counter()
        """How often a process was to blame for a recovery, by its name."""
        self.while_held: Callable[[], None] = lambda: None
        """Called now and then while an output of a crew in this process takes nothing."""
        self._outputs = outputs
        self._make_runner = make_runner
        self._on_malformed = on_malformed
        self._patient = patient
        self._windows = windows
        self._has_begun = False
        self._runner: StageRunner | None = None
        self._router = stage_options.router(config, stage_options.worker_count(config))
        self._cutter = LineCutter(config.pipeline.max_line_bytes)
        self._skipped = 0
        """Malformed lines that the router does not get."""
        self._withdrawn = 0
        """Malformed lines that it has counted as others."""
        self._replay = ReplayBuffer()
        self._next_number = first_number or SPAN
        self._first_own = 0
        """Batches before this one are of a former run: their end is not that of this one."""
        self._in_flight = InFlightBatches()
        self._mark = 0
        self._sent = self._acknowledged = self._reported = self._losses_told = 0
        self._leave_out = 0
        self._unwritten: Any = None
        self._poison = Poison()
        self._checkpoint: Checkpoint | None = None
        self._pending: dict[int, PendingCheckpoint] = {}
        self._schedule = Schedule()
        self._last_progress = time.monotonic()
        self._failures = 0
        self._give_back = GiveBack()
        self._restart_at: float | None = None
        self._reload: Reload | None = None
        self._former: tuple[Config, Outputs] | None = None
        self._last = NOTHING

    def start(self, *, is_restart: bool = False) -> None:
        """Starts the crew; `close` is due whatever comes of it."""
        self._begin(is_restart=is_restart)

    @property
    def next_number(self) -> int:
        """What the next batch would get; numbers never come again, also not in another run."""
        return self._next_number

    # --- the input

    @property
    def is_within_a_line(self) -> bool:
        """Whether what was fed last was not a whole line."""
        return self._cutter.is_within_a_line

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way, or waits for a checkpoint."""
        return bool(self._replay)

    @property
    def has_room(self) -> bool:
        """Whether a batch would be taken at once."""
        return (
            self._runner is not None
            and self._reload is None
            and self._replay.bytes < self._most_kept
            and self._in_flight.bytes < self.config.pipeline.window_bytes // UNWRITTEN
        )

    @property
    def _most_kept(self) -> int:
        """Bytes that may wait for a checkpoint."""
        return self._windows * self.config.pipeline.window_bytes

    def feed(self, data: bytes, now: float | None = None, mark: int = 0) -> None:
        """Takes bytes as they came; waits until there is room.

        `now` is their arrival time in seconds, of a clock that never goes back. Without it,
        time stamps in the stream make the clock. `mark` is what `covered` will say when a
        checkpoint covers them.
        """
        self._mark = mark
        chunk = self._cutter.cut(data)
        if chunk is not None or self._cutter.overlong:
            self._take(chunk or Chunk(self._cutter.position, b""), now)

    def end_of_line(self, now: float | None = None) -> None:
        """The input goes on somewhere else: a line that was not ended, ends here."""
        chunk = self._cutter.finish()
        if chunk.lines:
            self._take(chunk, now)

    def note(self, lines: list[bytes], now: float) -> None:
        """Has lines written that are no events, each a JSON object, behind what was fed so far."""
        self._take(Chunk(self._cutter.position, b""), now, notes=lines)

    def tick(self, now: float) -> None:
        """Lets time-outs happen when nothing comes in."""
        self._take(Chunk(self._cutter.position, b""), now)

    def rotate(self, now: float | None = None) -> None:
        """Has new files begun behind what was fed so far."""
        self._take(Chunk(self._cutter.position, b""), now, ROTATE)

    def dump(self, now: float | None = None) -> None:
        """Has the process table written to the debug log, as it is behind what was fed so far."""
        self._take(Chunk(self._cutter.position, b""), now, DUMP)

    def end(self, now: float | None = None, *, checkpoint: bool = False) -> None:
        """The input has ended: what is in flight will be completed, and `finished` be set.

        With `checkpoint` there will be one of what is known then.
        """
        self._take(self._cutter.finish(), now, FINAL | (BARRIER if checkpoint else 0))

    def finish(self, now: float | None = None) -> None:
        """Ends, and waits until everything is written."""
        self.end(now)
        while not self.finished:
            self.step(1000)

    def _take(
        self, chunk: Chunk, now: float | None, flags: int = 0, notes: Sequence[bytes] = ()
    ) -> None:
        while not self.has_room:
            self.step(1000)
        skipped = [Malformed(*line) for line in self._cutter.overlong]
        self._cutter.overlong.clear()
        number = self._next_number
        self._next_number += SPAN
        batch = Batch(number, chunk.position, chunk.lines, now, flags, self._mark, skipped)
        batch.notes.extend(notes)
        if now is not None and chunk.lines:
            batch.since = now
        self._keep(batch)
        parts = self._poison.parts(batch)
        if len(parts) > 1 or batch.diverted:
            self._replay.replace(batch, parts)
            self._keep_aside(
                [line.line for part in parts if part.diverted for line in part.past_stages()]
            )
        self._hand_over_or_recover(parts)

    def _keep(self, batch: Batch) -> None:
        self._replay.add(batch)
        is_due = self._schedule.keep(batch.cost, self._most_kept)
        if batch.flags & BARRIER or (is_due and not self._pending):
            batch.flags |= BARRIER
            self._schedule.begin()

    def _hand_over_or_recover(self, batches: list[Batch]) -> None:
        try:
            for batch in batches:
                self._hand_over(batch)
        except StageRunnerError as failure:
            self._failed(failure)
        except GaveUpError:
            self._stop()
            self._restart_at = time.monotonic()
        except OutputError as error:
            self._revert(error)

    def _hand_over(self, batch: Batch) -> None:
        assert self._runner is not None
        routed = self._router.route(
            b"" if batch.diverted else batch.lines,
            batch.position,
            now=batch.now,
            final=bool(batch.flags & FINAL),
        )
        skipped = batch.past_stages()
        malformed = sorted([*routed.malformed, *skipped])
        self._skipped += len(skipped)
        self._withdrawn += len(batch.withdrawn)
        if batch.number > self._reported:
            self._reported = batch.last_number
            for line in malformed:
                self._on_malformed(line)
        if batch.flags & BARRIER:
            self._pending[batch.number] = PendingCheckpoint(
                batch.number,
                batch.position + len(batch.lines),
                len(routed.shares),
                self._router.snapshot(),
                (self._skipped, self._withdrawn),
            )
        lines = [self._cutter.shown(line.line) for line in malformed] + batch.withdrawn
        text = b"".join([line + b"\n" for line in lines])
        if self._acknowledged == self._sent:
            self._last_progress = time.monotonic()  # there was nothing to do before this
        self._sent = batch.number
        self._in_flight.add(batch.number, batch.cost, batch.since)
        shares = routed.shares
        if batch.notes:
            shares = [shares[0]._replace(notes=batch.notes), *shares[1:]]
        self._runner.send(batch.number, batch.flags, shares, text)

    # --- what comes back

    def filenos(self) -> tuple[int, ...]:
        """One of these is readable when `step` has something to do; they may change with it."""
        return self._runner.filenos() if self._runner is not None else ()

    def step(self, timeout_ms: int = 0) -> None:
        """Takes reports, waiting so long for the first; does what is due.

        Raises OutputError if an output cannot be used, PipelineError if nothing helps.
        """
        if self._runner is None:
            self._pause(timeout_ms)
        else:
            try:
                for report in self._runner.receive(timeout_ms):
                    self._take_report(report)
            except StageRunnerError as failure:
                self._failed(failure)
            except OutputError as error:
                self._revert(error)
        self._do_what_is_due()

    def _take_report(self, report: wire.Report) -> None:
        self._last_progress = time.monotonic()
        if isinstance(report, wire.AckMessage):
            self._last = report
            self._acknowledged = report.batch
            self._in_flight.written(report.batch)
            self.held = ""
            self._former = None
            self._tell_losses(report)
            if report.batch in self._pending:
                self._pending[report.batch].acknowledge(report)
            if self._is_end(report.batch, report.flags) and not report.flags & BARRIER:
                self.finished = True
        elif isinstance(report, wire.SnapshotMessage):
            pending = self._pending[report.batch]
            pending.add(report)
            checkpoint = pending.complete()
            if checkpoint is not None:
                self._cover(checkpoint)
        elif isinstance(report, wire.StalledMessage):
            self.held = report.reason

    def _tell_losses(self, report: wire.AckMessage) -> None:
        """Tells what a batch has shown to be missing, if it has not been told before."""
        if report.losses and report.batch > self._losses_told:
            batch = self._replay.with_number(report.batch)
            self._losses_told = batch.last_number if batch is not None else report.batch
            self.on_losses(report.losses)

    def _cover(self, checkpoint: Checkpoint) -> None:
        """Lets go of all batches that the checkpoint covers."""
        self._checkpoint = checkpoint
        self._schedule.made(checkpoint.size)
        self.checkpoints += 1
        self._failures = 0
        for number in [number for number in self._pending if number <= checkpoint.number]:
            del self._pending[number]
        for batch in self._replay.release(checkpoint.number):
            self._give_back.passed(len(batch.lines))
            self.covered = batch.mark
            if self._is_end(batch.number, batch.flags):
                self.finished = True
        self._give_back()

    def _is_end(self, number: int, flags: int) -> bool:
        return bool(flags & FINAL) and number >= self._first_own

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        if self._restart_at is not None and now >= self._restart_at:
            self._begin()
        reload = self._reload
        if reload is not None and (
            self._runner is None or not self._replay or now >= reload.deadline
        ):
            self._change(reload)
        if self._runner is None or self.finished:
            return
        patience = self.config.pipeline.hang_timeout * 2 ** min(self._failures, 5)
        if self._acknowledged < self._sent and now - self._last_progress > patience:
            self._failed(self._runner.explain_hang())
        elif self._is_barrier_due and not self._schedule.left(is_covered=not self._replay):
            self._place_barrier()

    @property
    def _is_barrier_due(self) -> bool:
        """Whether a barrier would do some good, although nothing comes."""
        if self._pending:
            return False
        last = self._replay.last
        if last is None:
            return self._give_back.is_due  # which all processes do behind one
        return not self._is_end(last.number, last.flags)

    def next_due(self) -> float:
        """Seconds until `step` has something to do in any case."""
        if self._restart_at is not None:
            return max(self._restart_at - time.monotonic(), 0.0)
        if self._reload is not None and not self._replay:
            return 0.0
        if self._is_barrier_due:
            return self._schedule.left(is_covered=not self._replay)
        return self._schedule.period if self._replay else 3600.0

    def _place_barrier(self) -> None:
        """An empty batch with a barrier: nothing else comes, and something is to be covered."""
        last = self._replay.last
        position = self._cutter.position
        batch = Batch(self._next_number, position, b"", last.now if last else None, BARRIER)
        self._next_number += SPAN
        self._keep(batch)
        self._hand_over_or_recover([batch])

    # --- crews

    def _begin(self, *, is_restart: bool = False) -> None:
        """Starts a crew from the checkpoint, and hands over what came behind that."""
        self._restart_at = None
        workers = stage_options.worker_count(self.config)
        self._router = stage_options.router(self.config, workers)
        self._pending.clear()
        self._last = NOTHING
        self._skipped = self._withdrawn = 0
        self._sent = self._acknowledged = 0
        self._in_flight.clear()
        snapshots = None
        if self._checkpoint is not None:
            self._router.restore(self._checkpoint.router)
            self._skipped, self._withdrawn = self._checkpoint.beside
            self._last = self._checkpoint.ack
            stages = self._checkpoint.stages
            decoders, assembler = redistribute(stages.decoders, stages.assembler, workers)
            snapshots = Snapshots(decoders, stages.tracker, assembler)
        self._last_progress = time.monotonic()
        self._runner = self._make_runner(self.config, self._outputs, self._on_stall)
        # What a new configuration names may be of no use: then the former one comes back.
        state = StartState(
            snapshots=snapshots,
            written_through=self._leave_out,
            is_first_start=not self._has_begun or self._former is not None,
            is_restart=is_restart,
        )
        self._has_begun = True
        try:
            self._runner.start(state)
        except StageRunnerError as failure:
            self._failed(failure)
        except GaveUpError:
            self._stop()
            self._restart_at = time.monotonic()
        except OutputError as error:
            self._revert(error)
        else:
            self._hand_over_or_recover(list(self._replay))

    def _stop(self) -> None:
        """Stops the crew, and finds out how far it got."""
        assert self._runner is not None
        written = self._runner.stop()
        self._unwritten = self._runner.unwritten()
        batch = self._replay.with_number(written)
        if batch is not None:
            written = batch.last_number
        self._leave_out = max(self._leave_out, written)
        self._runner = None

    def _on_stall(self, reason: str) -> None:
        """An output of a crew in this process takes nothing."""
        self.held = reason
        self.while_held()
        if self._reload is not None or self.is_urgent():
            raise GaveUpError(reason)

    def _failed(self, failure: StageRunnerError) -> None:
        """The crew cannot go on: another one will."""
        self._stop()
        self.recoveries += 1
        if failure.process:
            self.failures[failure.process] += 1
        self._failures += 1
        if failure.batch and self._poison.blame(failure.batch, self._replay):
            self._take_out()
            self._failures = 1  # something has changed
        if self._failures > FAILURES and not self._patient:
            raise PipelineError(str(failure))
        pause = min(0.05 * 2 ** (self._failures - 2), LONGEST_PAUSE) if self._failures > 1 else 0.0
        self._restart_at = time.monotonic() + pause
        log.warning("%s; all processes start anew, nothing is lost", failure)

    def _take_out(self) -> None:
        """Takes lines out that kill whoever gets them."""
        checkpoint = self._checkpoint
        stages, lines = self._poison.take_out(
            self._replay, checkpoint.stages if checkpoint is not None else None
        )
        if checkpoint is not None and stages is not None:
            self._checkpoint = replace(checkpoint, stages=stages)
        self._keep_aside(lines)

    def _keep_aside(self, lines: list[bytes]) -> None:
        self.set_aside += len(lines)
        directory = None if self._outputs.malformed else Path(self.config.directory)
        poison.keep(lines, directory)

    def _pause(self, timeout_ms: int) -> None:
        """Nobody is there to report anything."""
        time.sleep(min(timeout_ms / 1000, self.next_due()))

    # --- another configuration

    def reload(self, config: Config, outputs: Outputs) -> None:
        """Puts a configuration in force, behind what was fed so far."""
        self._reload = Reload(config, outputs, time.monotonic() + RELOAD_SECONDS)
        last = self._replay.last
        if last is not None and self._runner is not None and not last.flags & BARRIER:
            self._place_barrier()

    def _change(self, reload: Reload) -> None:
        if self._runner is not None:
            self._stop()
        self._reload = None
        self.reloads += 1
        self._former = (self.config, self._outputs)
        self._use(reload.config, reload.outputs)
        self._begin()

    def _use(self, config: Config, outputs: Outputs) -> None:
        self.config, self._outputs = config, outputs
        cutter = LineCutter(config.pipeline.max_line_bytes)
        cutter.restore(self._cutter.snapshot())
        self._cutter = cutter

    def _revert(self, error: OutputError) -> None:
        """An output cannot be used. If that came with a new configuration, the former one can."""
        if self._former is None:
            raise error
        log.error("%s; the former configuration stays in force", error)
        self._stop()
        self._use(*self._former)
        self._former = None
        self._restart_at = time.monotonic()

    # --- from one run to the next

    def stop(self) -> None:
        """Stops the crew, whatever it is doing; `save` tells how to go on."""
        if self._runner is not None:
            self._stop()

    def save(self, *, all_of_it: bool) -> dict[str, Any]:
        """What a later run needs to go on from the checkpoint, msgpack-able.

        After `stop`, `all_of_it` is what that run needs so that nothing is lost. Else it is what
        it needs to know of processes and of events in flight.
        """
        state: dict[str, Any] = {
            "checkpoint": self._checkpoint.to_plain() if self._checkpoint is not None else None
        }
        if all_of_it:
            state["cutter"] = self._cutter.snapshot()
            state["batches"] = self._replay.to_plain()
            state["next"] = self._next_number
            state["leave_out"] = self._leave_out
            state["unwritten"] = self._unwritten
        return state

    def adopt(self, state: dict[str, Any]) -> None:
        """Has `start` go on where the run that saved `state` stood.

        Raises SnapshotError or another exception of bad data if `state` makes no sense; the
        pipeline is of no use then.
        """
        if state["checkpoint"] is not None:
            self._checkpoint = Checkpoint.of_plain(state["checkpoint"])
            self._checkpoint.check()
            self._next_number = self._checkpoint.number + SPAN
        if "batches" in state:
            self._cutter.restore(state["cutter"])
            covered, position = 0, 0
            if self._checkpoint is not None:
                covered, position = self._checkpoint.number, self._checkpoint.position
            self._replay.restore(state["batches"], covered, position)
            last = self._replay.last
            self._next_number = check_plain(state["next"], int)
            self._leave_out = check_plain(state["leave_out"], int)
            if self._leave_out >= self._next_number:
                raise SnapshotError("it has written what it had not read")
            if last is not None:
                covered, position = last.last_number, last.position + len(last.lines)
            if covered >= self._next_number or position > self._cutter.position:
                raise SnapshotError(f"the next batch is {self._next_number}, behind {covered}")
            self._first_own = self._next_number
            self._reported = last.last_number if last is not None else 0
        elif self._checkpoint is not None:
            most = self.config.pipeline.max_line_bytes
            self._cutter = LineCutter(most, self._checkpoint.position)

    def drop_in_flight(self, written: Callable[[set[bytes]], set[bytes]]) -> None:
        """After `adopt`: of the events in flight, drops those that `written` knows.

        They came to their end when the run that saved the state had gone on.
        """
        checkpoint = self._checkpoint
        if checkpoint is None:
            return
        # What came and was lost since then cannot be told apart: serials are watched anew.
        checkpoint = self._checkpoint = replace(
            checkpoint,
            stages=replace(
                checkpoint.stages, assembler=without_serials(checkpoint.stages.assembler)
            ),
        )
        stages, ack = checkpoint.stages, checkpoint.ack
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
            self._checkpoint = replace(
                checkpoint,
                stages=Snapshots(decoders, stages.tracker, assembler),
                ack=ack._replace(in_flight=ack.in_flight - len(lines)),
            )

    # --- what became of it

    def ledger(self) -> Ledger:
        """The counters as they stand. They balance when all that was fed is acknowledged."""
        return _ledger(self._router, (self._skipped, self._withdrawn), self._last)

    def former_ledger(self) -> Ledger:
        """The counters that it was adopted with, which are those of former runs."""
        checkpoint = self._checkpoint
        if checkpoint is None:
            return Ledger()
        router = stage_options.router(self.config, 1)
        router.restore(checkpoint.router)
        return _ledger(router, checkpoint.beside, checkpoint.ack)

    def waiting(self, done: int, upto: int | None = None) -> Waiting:
        """See InFlightBatches."""
        return self._in_flight.waiting(done, upto)

    def room(self) -> Room:
        """How much is in use of what may be."""
        limit = self.config.pipeline.window_bytes // UNWRITTEN
        return Room(self._replay.bytes, self._in_flight.bytes, limit)

    def pids(self) -> dict[str, int]:
        """The processes of the crew by name, as far as they live and are known."""
        return self._runner.pids() if self._runner is not None else {}

    @property
    def has_eoe(self) -> bool:
        """Whether the stream is taken for one in which events end with an EOE record."""
        return self._router.has_eoe

    @property
    def in_flight(self) -> int:
        """Lines of events that are not complete, as far as it is known."""
        return self._last.in_flight

    @property
    def awaits_clock(self) -> bool:
        """Whether there is more to say about missing events when the clock goes on."""
        return self._last.awaits_clock

    def close(self) -> None:
        """Ends all that belongs to the pipeline, whatever state it is in."""
        if self._runner is None:
            return
        if self.finished:
            self._runner.close()
        else:
            self._runner.stop()
        self._runner = None


def _ledger(router: Router, beside: tuple[int, int], ack: wire.AckMessage) -> Ledger:
    skipped, withdrawn = beside
    ledger = Ledger(in_flight=ack.in_flight)
    ledger.add(ack.counters)
    ledger.add_given(ack.given)
    ledger.lines = router.counters.lines + skipped
    ledger.malformed = router.counters.malformed + skipped + withdrawn
    return ledger

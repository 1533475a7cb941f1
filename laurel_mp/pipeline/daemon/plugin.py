"""Plugin mode: auditd's stream, as it comes, until it ends."""

from __future__ import annotations

import logging
import math
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from laurel_mp.config import Config
from laurel_mp.errors import ConfigError, InputError, LaurelError, OutputError, SnapshotError
from laurel_mp.observe.groups import LOSSES, QUEUES
from laurel_mp.observe.log import add_handler, tick
from laurel_mp.observe.malformed import MalformedReport
from laurel_mp.observe.register import Register
from laurel_mp.outputs.copy import CopyHandler
from laurel_mp.outputs.pending import Pending
from laurel_mp.pipeline.daemon import bootstrap
from laurel_mp.pipeline.daemon.kernel_watch import KernelWatch
from laurel_mp.pipeline.daemon.loss_report import LossReport
from laurel_mp.pipeline.daemon.state_file import Loaded, StateFile
from laurel_mp.pipeline.daemon.upstream_losses import UpstreamLossMonitor
from laurel_mp.pipeline.daemon.written_events import events_in
from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.inputs import open_input
from laurel_mp.pipeline.intake.pieces import Piece, pieces_of_plain, shifted
from laurel_mp.pipeline.intake.reader import Reader
from laurel_mp.pipeline.intake.spool.spool import Spool
from laurel_mp.pipeline.runner import table_dump
from laurel_mp.pipeline.runner.run_outputs import Outputs, open_copy
from laurel_mp.pipeline.runner.spawner import ProcessSpawner
from laurel_mp.pipeline.runner.stage_runner import GaveUpError
from laurel_mp.pipeline.status.log_report import StatusReport
from laurel_mp.pipeline.status.run_statistics import RunStatistics
from laurel_mp.pipeline.status.service import StatusService
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.start import runner_of, start_fork_server, tune_collector
from laurel_mp.system import privileges
from laurel_mp.system.log_directory import DirectoryLock
from laurel_mp.system.malloc import use_one_heap

SHOULD_HAVE_EOE = 4 << 20
"""Bytes of a stream without EOE records after which that is worth a message."""

LITTLE = 64 << 10
"""Bytes of input for which it pays to wait for more. At 1,000 events a second that many come in
less time than input may linger; so latency falls as the load rises."""

TICK = 0.5
"""Seconds between looks at the clock while events are in flight."""

LOOK = 0.25
"""Seconds between looks at who else may want something, while there is input to be taken."""

HOUSEKEEPING = 1.0
"""Seconds between looks at what is due, while there is something to do."""

LOCK_POLL = 0.1
"""Seconds between attempts to get hold of the directory."""

LOCK_SAID = 60.0
"""Seconds between messages about somebody else who holds it."""

UNWRITTEN = "unwritten"
"""Below the directory: where what is not written waits if there is no state file."""

FIXED = {
    "": ("user", "input", "directory"),
    "debug": ("inputlog", "log"),
    "pipeline": ("spool", "spool_bytes"),
    "loss": ("kernel",),
}
"""What cannot change while we run, by section."""

HANDLED = (*bootstrap.STOP_SIGNALS, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

log = logging.getLogger(__name__)

Reconfigure = Callable[[], Config]
"""Reads the configuration again; raises ConfigError."""


class Plugin:
    """Moves what the reader has read into the pipeline, until the input ends.

    When there is little to do it lingers, to hand over much at once; while events are in flight it
    looks at the clock. It never waits for an output.
    """

    def __init__(
        self, config: Config, reconfigure: Reconfigure, kernel: KernelWatch | None = None
    ) -> None:
        use_one_heap()
        self.config = self._first_config = config
        self.register = Register()
        """What there is to tell about this run."""
        self._reconfigure = reconfigure
        self._outputs = Outputs.of_plugin(config)
        self._signals: list[int] = []
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._polled: tuple[int, ...] | None = None
        """What that looks at, besides our own descriptor."""
        self._deadline: float | None = None
        self._held_since: float | None = None
        self._is_reading = False
        self._is_ending = False
        self._wants_rotation = False
        self._has_news = True
        """Whether somebody else than the input may want something."""
        self._looked = 0.0
        self._is_flowing = False
        """Whether there was input the last time we waited for it."""
        self._clock = 0.0
        self._ticked = self._kept_house = self._saved = self._dumped = time.monotonic()
        self._without_eoe = 0
        self._outdated: StateFile | None = None
        self._malformed = MalformedReport(log.warning)
        self._losses = LossReport(log.warning)
        self.register.contribute(LOSSES, self._losses.rows)
        self._kernel = kernel
        self._lookout = UpstreamLossMonitor(config, log.warning, kernel)
        self.register.contribute(QUEUES, self._lookout.rows)
        self._status = StatusReport(config, time.monotonic())
        self._lock = DirectoryLock(Path(config.directory))
        self._state_file = StateFile.of(config)
        self._log_copy = open_copy(config, config.debug.log)
        if self._log_copy is not None:
            handler = CopyHandler(self._log_copy)
            add_handler(handler)  # before there are children, who have it too
            table_dump.log.addHandler(handler)
        self._spawner = ProcessSpawner(live=True)
        start_fork_server(self._spawner, config)
        self._spool = Spool.of(config)
        self._backlog = Backlog(config.pipeline.window_bytes)
        self._reader = Reader(open_input(config.input), self._backlog, _linger(config))
        self._copy = open_copy(config, config.debug.inputlog)
        self._uncopied = b""
        """The start of a line whose end has not come."""
        self._service = StatusService(self.register, config)
        self._pipeline = self._new_pipeline(config)
        self._statistics = RunStatistics(
            self.register, self._pipeline, self._backlog, self._spawner.accounts
        )

    # --- from the start to the end

    def run(self) -> Ledger:
        """Returns when the input has ended and everything is written, or kept for the next run."""
        tune_collector()
        for number in HANDLED:
            signal.signal(number, self._on_signal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        self._reader.start()
        self._is_reading = True
        try:
            if self._hold_directory():
                self._begin()
                self._work()
                self._end()
                if self.config.statusreport_period:
                    self._report()  # the rest, so that all periods together are the whole
        finally:
            self._service.close()
            self._stop_reading()
            self._pipeline.close()
            self._backlog.close()
            self._spawner.close()
            self._malformed.close()
            self._losses.close()
            if self._kernel is not None:
                self._kernel.close()
            self._lock.close()
        if self._backlog.error is not None:
            raise InputError(f"the input cannot be read on: {self._backlog.error.strerror}")
        ledger = self._statistics.run(self._pipeline.ledger())
        if self._pipeline.finished:
            ledger.check()
        return ledger

    def _hold_directory(self) -> bool:
        """Waits until no other run writes to the directory; whether that came to pass."""
        said = -math.inf
        while not self._lock.try_hold():
            now = time.monotonic()
            if now - said >= LOCK_SAID:
                said = now
                log.warning(
                    "%s: %s still writes there; waiting until it has ended",
                    self.config.directory,
                    self._lock.holder(),
                )
            self._wait(LOCK_POLL, ())
            self._react()
            if self._is_overdue():
                return False
        return True

    def _work(self) -> None:
        while not self._pipeline.finished and not self._is_overdue():
            self._react()
            self._look_around()
            self._pipeline.step()  # which does what a signal has asked for, as soon as it can
            moved = self._move()
            self._keep_house()
            if not moved and not self._pipeline.finished:
                self._rest()

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._reader.close()

    # --- the input

    def _move(self) -> bool:
        """Hands over what is there, as far as there is room; whether there was anything."""
        pipeline, backlog = self._pipeline, self._backlog
        if self._is_ending or not pipeline.has_room:
            return False
        if self._wants_rotation:
            self._wants_rotation = False
            pipeline.rotate()
        if self._lookout.has_notes:
            pipeline.note(self._lookout.take_notes(), self._now())
            return True
        size, waited = backlog.waits(time.monotonic())
        if size:
            linger = self._reader.linger.time - waited
            if linger > 0 and size < self._worth and self._deadline is None:
                time.sleep(linger)
            self._feed(backlog.take(self.config.pipeline.batch_bytes))
            return True
        if backlog.ended:
            self._is_ending = True
            pipeline.end(self._now(), checkpoint=self._state_file is not None)
            return True
        if (
            pipeline.in_flight or pipeline.awaits_clock
        ) and time.monotonic() - self._ticked >= TICK:
            self._ticked = time.monotonic()
            pipeline.tick(self._now(self._ticked))
            return True  # without other processes, what has come of it is there already
        return False

    @property
    def _worth(self) -> int:
        """Bytes that are handed over without waiting for more."""
        return min(LITTLE, self.config.pipeline.batch_bytes)

    def _feed(self, piece: Piece | None) -> None:
        if piece is None:
            return
        if self._copy is not None:
            lines, newline, self._uncopied = (self._uncopied + piece.data).rpartition(b"\n")
            self._copy.write(lines + newline)
        self._ticked = time.monotonic()  # this moves the clock, too
        self._statistics.arrived = piece.arrival
        self._pipeline.feed(piece.data, self._now(piece.arrival), self._backlog.taken)
        if self._without_eoe < SHOULD_HAVE_EOE:
            self._look_for_eoe(len(piece.data))

    def _now(self, when: float = 0.0) -> float:
        """The arrival clock, which never goes back."""
        self._clock = max(self._clock, when)
        return self._clock

    def _look_for_eoe(self, size: int) -> None:
        """Says once if the stream seems to have no EOE records at all."""
        self._without_eoe += size
        if self._pipeline.has_eoe:
            self._without_eoe = SHOULD_HAVE_EOE
        elif self._without_eoe >= SHOULD_HAVE_EOE:
            log.warning(
                "no EOE record in %d MiB: a rule may exclude them; events without a PROCTITLE "
                "record come late",
                SHOULD_HAVE_EOE >> 20,
            )

    # --- waiting

    def _rest(self) -> None:
        """Waits until there is something to do. If that is to read, it reads and hands over."""
        reader, pipeline = self._reader, self._pipeline
        if self._is_ending or not pipeline.has_room or not reader.borrow():
            fds = self._descriptors()
            if not self._is_ending and pipeline.has_room:
                fds = (*fds, self._backlog.fileno())
            self._wait(self._patience(), fds)
            self._has_news = True
            return
        piece = None
        # While input flows, nothing else can be due much later than we look for it anyway.
        patience = LOOK if self._is_flowing else self._patience()
        self._is_flowing = False
        try:
            ready = self._wait(patience, (*self._descriptors(), reader.fileno()))
            self._has_news = ready != [reader.fileno()]
            # What a signal asks for, it asks for what comes behind it.
            if reader.fileno() in ready and not self._signals:
                piece = reader.collect(self._worth)
        finally:
            reader.give_back()
        if piece is not None:
            self._is_flowing = True
            self._backlog.passed(len(piece.data))
            self._feed(piece)

    def _descriptors(self) -> tuple[int, ...]:
        """What has something to do with what is going on, but for the input."""
        own = (*self._service.filenos(), *self._lookout.filenos())
        return (*own, *self._pipeline.filenos())

    def _patience(self) -> float:
        """Seconds to wait for something to happen."""
        if self._lookout.has_notes and self._pipeline.has_room:
            return 0.0
        others = (self._status.wait(time.monotonic()), self._service.next_due())
        waits = [self._pipeline.next_due(), *(each for each in others if each is not None)]
        waits += [max(self._losses.next_due(), 0.0) + 0.001, self._lookout.next_due()]
        if self._pipeline.in_flight or self._pipeline.awaits_clock:
            waits.append(TICK)
        if self._pipeline.is_busy:
            waits.append(HOUSEKEEPING)
        # When nothing happens, too: a state that is older than `max-age` is of no use.
        for due in (self._dump_due(), self._save_due()):
            if due is not None:
                waits.append(max(due, self._kept_house + HOUSEKEEPING) - time.monotonic())
        if self._deadline is not None:
            waits.append(max(self._deadline - time.monotonic(), 0.0) + 0.001)
        return max(min(waits), 0.0)

    def _wait(self, seconds: float, fds: tuple[int, ...]) -> list[int]:
        """Waits for one of `fds`, for a signal, or so long; which of them have something."""
        if self._signals:
            return []
        if fds != self._polled:
            self._polled = fds
            self._poll = select.poll()
            for fd in (self._wake, *fds):
                self._poll.register(fd, select.POLLIN)
        ready = [fd for fd, _ in self._poll.poll(seconds * 1000)]
        if self._wake in ready:
            os.eventfd_read(self._wake)
        return ready

    # --- signals

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        os.eventfd_write(self._wake, 1)

    def _react(self) -> None:
        """Does what signals have asked for."""
        if not self._signals:
            return
        self._take_stop()
        numbers, self._signals = self._signals, []
        if signal.SIGHUP in numbers:
            self._reload()
        if signal.SIGUSR1 in numbers:
            self._wants_rotation = True
            if self._copy is not None:
                self._copy.rotate()
        if signal.SIGUSR2 in numbers:
            self._report()

    def _take_stop(self) -> None:
        stops = [number for number in self._signals if number in bootstrap.STOP_SIGNALS]
        if stops and self._deadline is None:
            self._deadline = time.monotonic() + self.config.pipeline.stop_timeout
            self._reader.stop()
        self._signals = [number for number in self._signals if number not in stops]

    def _is_overdue(self) -> bool:
        """Whether what is not written by now is left for the next run."""
        now = time.monotonic()
        if self._deadline is not None:
            return now >= self._deadline
        if not self._is_ending or not self._pipeline.held:
            self._held_since = None
            return False
        self._held_since = self._held_since or now
        return now - self._held_since >= self.config.pipeline.stop_timeout

    def _is_urgent(self) -> bool:
        """Whether an output that takes nothing must not be waited for."""
        return self._is_overdue() or signal.SIGHUP in self._signals

    def _reload(self) -> None:
        if self._is_ending:
            return
        try:
            config = _with_fixed(self._reconfigure(), self.config)
            outputs = Outputs.of_plugin(config)
        except (ConfigError, OutputError) as error:
            for line in str(error).splitlines():
                log.error("%s", line)  # noqa: TRY400 - for the administrator, no traceback
            log.error("the former configuration stays in force")  # noqa: TRY400
            return
        beyond = privileges.beyond(self._first_config, config)
        if beyond:
            names = ", ".join(sorted(f"CAP_{each.name}" for each in beyond))
            log.warning("given up at the start, and in force after the next one only: %s", names)
        if config.state != self.config.state:
            self._state_file = StateFile.of(config)
        self.config, self._outputs = config, outputs
        self._status.use(config)
        self._reader.linger.linger = _linger(config)
        self._lookout.use(config)
        self._service.use(config)
        self._pipeline.reload(config, outputs)
        log.info("the configuration was read again")

    # --- what is due now and then

    def _look_around(self) -> None:
        """Serves who asks for counts, and hears what the kernel says, if there is anything."""
        now = time.monotonic()
        if self._has_news or now - self._looked >= LOOK:
            self._has_news, self._looked = False, now
            self._service.step()
            self._lookout.step()

    def _keep_house(self) -> None:
        now = time.monotonic()
        if self._status.wait(now) == 0:
            self._report()
        if now - self._kept_house < HOUSEKEEPING:
            return
        self._kept_house = now
        self._backlog.release(self._pipeline.covered)
        if self._outdated is not None and self._pipeline.checkpoints:
            self._outdated.remove()  # what it says is done: that may not happen a second time
            self._outdated = None
        self._malformed.tick()
        self._losses.tick()
        tick()
        if self._copy is not None:
            self._copy.tick()
        due = self._dump_due()
        if due is not None and now >= due and self._pipeline.has_room and not self._is_ending:
            self._dumped = now
            self._pipeline.dump(self._now())
        due = self._save_due()
        if self._state_file is not None and due is not None and now >= due:
            self._saved = now
            self._state_file.save_soon(self._pipeline.save(all_of_it=False))

    def _dump_due(self) -> float | None:
        """When the debug log is to have the process table; None for never."""
        period = self.config.debug.dump_state_period
        return self._dumped + period if period and self._log_copy is not None else None

    def _save_due(self) -> float | None:
        """When something is to be done about the state file; None if only something new can tell.

        As long as what the former run has left is not done, it is not written over.
        """
        if self._outdated is not None:
            return 0.0 if self._pipeline.checkpoints else None
        period = self.config.state.write_state_period
        return self._saved + period if self._state_file is not None and period else None

    def _report(self) -> None:
        log.info("%s", self._status.text(self.register.snapshot(), time.monotonic()))

    # --- from one run to the next

    def _begin(self) -> None:
        """Goes on where the former run stood, as far as that is possible."""
        rest: list[Piece] = []
        unfinished = adopted = False
        loaded = self._load()
        if loaded is not None:
            try:
                rest, unfinished, adopted = self._take_over(loaded)
            except GaveUpError:
                raise
            except (LaurelError, KeyError, ValueError, TypeError, IndexError) as error:
                log.error("the state file makes no sense and is not used: %s", error)  # noqa: TRY400
                self._pipeline = self._new_pipeline(self.config)
        self._backlog.open(self._spool, rest, unfinished=unfinished)
        self._statistics.watch(self._pipeline)
        self._service.start()
        self._pipeline.start(is_restart=adopted)

    def _load(self) -> Loaded | None:
        leftover = self._leftover_file()
        self._outdated = leftover if leftover.path.exists() else self._state_file
        return self._outdated.load() if self._outdated is not None else None

    def _leftover_file(self) -> StateFile:
        """Where a run without a state file leaves what it has not written."""
        return StateFile(Path(self.config.directory) / UNWRITTEN, self.config.state.max_age, 0)

    def _take_over(self, loaded: Loaded) -> tuple[list[Piece], bool, bool]:
        """What the former run had read and not fed; whether it ends in a line; whether it fits."""
        state = loaded.state
        rest = pieces_of_plain(state.get("rest", []))
        if not loaded.same_boot:
            rest = shifted(rest, time.monotonic())
        if loaded.fresh:
            self._adopt(self._pipeline, state)
            if "batches" not in state:  # it was killed, some time after it had saved this
                self._pipeline.drop_in_flight(partial(events_in, self._outputs))
            return rest, self._pipeline.is_within_a_line, True
        log.warning("the state is not used: %s", loaded.reason)
        self._give_out(state)
        return rest, False, False

    def _adopt(self, pipeline: Pipeline, state: dict[str, Any]) -> None:
        pipeline.adopt(state)
        if state.get("unwritten") is not None:
            unwritten = Pending.of_plain(state["unwritten"])
            if unwritten.batch >= pipeline.next_number:
                raise SnapshotError("it was writing what it had not read")
            self._outputs.restore(self._spawner.journal, unwritten)

    def _give_out(self, state: dict[str, Any]) -> None:
        """Writes what a run long ago had not: nothing can come to those events any more."""
        inline = replace(self.config, pipeline=replace(self.config.pipeline, workers=0))
        former = self._new_pipeline(inline)
        self._adopt(former, state)
        try:
            former.start()
            former.end_of_line()
            former.end()
            while not former.finished:
                former.step(1000)
                self._take_stop()
                if self._is_overdue():
                    raise GaveUpError("what a former run had not written cannot be written now")
        finally:
            former.close()
        self._pipeline = self._new_pipeline(self.config, former.next_number)

    def _new_pipeline(self, config: Config, first_number: int = 0) -> Pipeline:
        pipeline = Pipeline(
            config,
            self._outputs,
            partial(runner_of, self._spawner),
            self._malformed.add,
            patient=True,
            first_number=first_number,
        )
        pipeline.is_urgent = self._is_urgent
        pipeline.on_losses = self._losses.add
        pipeline.while_held = self._service.step
        return pipeline

    def _end(self) -> None:
        """Keeps for the next run what it needs."""
        pipeline = self._pipeline
        self._stop_reading()
        if not pipeline.finished:
            pipeline.stop()
        rest = self._backlog.keep()
        if pipeline.finished and not rest and self._state_file is None:
            self._backlog.release()
            return
        state = pipeline.save(all_of_it=True)
        state["rest"] = rest
        file = self._state_file or self._leftover_file()
        if file.save(state):
            self._backlog.release()
        elif not pipeline.finished or rest:
            log.error("what is not written is lost")
        if not pipeline.finished:
            log.warning("not everything is written; the next start will do that")


def _linger(config: Config) -> float:
    return config.pipeline.linger_ms / 1000


def _with_fixed(config: Config, present: Config) -> Config:
    """A new configuration with what cannot change as it is at `present`; says what that is."""
    named = []
    for section, names in FIXED.items():
        new: Any = getattr(config, section) if section else config
        old = getattr(present, section) if section else present
        kept = {each: getattr(old, each) for each in names}
        changed = [each for each in names if getattr(new, each) != kept[each]]
        if changed:
            named += [f"[{section}] {each}" if section else each for each in changed]
            new = replace(new, **kept)
            sections: dict[str, Any] = {section: new}
            config = replace(config, **sections) if section else new
    if named:
        text = ", ".join(named).replace("_", "-")
        log.warning("in force after the next start only: %s", text)
    return config

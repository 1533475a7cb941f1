"""Plugin mode: converts auditd's stream until it ends."""

from __future__ import annotations

import logging
import math
import signal
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from laurel_mp.config import Config
from laurel_mp.errors import InputError
from laurel_mp.observe.groups import LOSSES, QUEUES
from laurel_mp.observe.log import add_handler, tick
from laurel_mp.observe.malformed import MalformedReport
from laurel_mp.observe.register import Register
from laurel_mp.outputs.copy import CopyHandler
from laurel_mp.pipeline.daemon.housekeeping import Housekeeping
from laurel_mp.pipeline.daemon.input_feed import TICK, InputFeed
from laurel_mp.pipeline.daemon.kernel_watch import KernelWatch
from laurel_mp.pipeline.daemon.loss_report import LossReport
from laurel_mp.pipeline.daemon.reload import Reconfigure, reload
from laurel_mp.pipeline.daemon.run_state import RunState
from laurel_mp.pipeline.daemon.signals import Signals
from laurel_mp.pipeline.daemon.stop_deadline import StopDeadline
from laurel_mp.pipeline.daemon.upstream_losses import UpstreamLossMonitor
from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.inputs import open_input
from laurel_mp.pipeline.intake.reader import Reader
from laurel_mp.pipeline.intake.spool.spool import Spool
from laurel_mp.pipeline.runner import table_dump
from laurel_mp.pipeline.runner.run_outputs import Outputs, open_copy
from laurel_mp.pipeline.runner.spawner import ProcessSpawner
from laurel_mp.pipeline.runner.stage_runner import GaveUpError
from laurel_mp.pipeline.status.run_statistics import RunStatistics
from laurel_mp.pipeline.status.service import StatusService
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.recovery_point import FormerRun
from laurel_mp.pipeline.supervisor.start import runner_of, start_fork_server, tune_collector
from laurel_mp.system.log_directory import DirectoryLock
from laurel_mp.system.malloc import use_one_heap

LOOK = 0.25
"""Seconds between looks at the status socket and upstream losses while input flows."""

LOCK_POLL = 0.1
"""Seconds between attempts to lock the directory."""

LOCK_SAID = 60.0
"""Seconds between messages about another process that has locked it."""

log = logging.getLogger(__name__)


class Plugin:
    """The main loop of ingest: signals, pipeline, input, status, housekeeping.

    It never waits for an output.
    """

    def __init__(
        self, config: Config, reconfigure: Reconfigure, kernel: KernelWatch | None = None
    ) -> None:
        use_one_heap()
        self._config = self._first_config = config
        self._reconfigure = reconfigure
        self._outputs = Outputs.of_plugin(config)
        self._register = Register()
        self._signals = Signals()
        self._deadline = StopDeadline()
        self._state = RunState(config)
        self._kernel = kernel
        self._lock = DirectoryLock(Path(config.directory))  # children have it, too
        self._log_copy = open_copy(config, config.debug.log)
        if self._log_copy is not None:
            handler = CopyHandler(self._log_copy)
            add_handler(handler)  # before there are children, who have it too
            table_dump.log.addHandler(handler)
        self._spawner = ProcessSpawner(live=True)
        start_fork_server(self._spawner, config)  # before there are threads
        self._malformed = MalformedReport(log.warning)
        self._losses = LossReport(log.warning)
        self._monitor = UpstreamLossMonitor(config, log.warning, kernel)
        self._service = StatusService(self._register, config)
        self._hooks = Hooks(
            malformed=self._malformed.add,
            losses=self._losses.add,
            stalled=self._service.step,
            must_not_wait=self._must_not_wait,
        )
        self._pipeline = self._new_pipeline(config)
        self._spool = Spool.of(config)
        self._backlog = Backlog(config.pipeline.window_bytes)
        self._reader = Reader(open_input(config.input), self._backlog, _linger(config))
        self._statistics = RunStatistics(
            self._register, self._pipeline, self._backlog, self._spawner.accounts
        )
        self._register.contribute(LOSSES, self._losses.rows)
        self._register.contribute(QUEUES, self._monitor.rows)
        copy = open_copy(config, config.debug.inputlog)
        self._feed = InputFeed(
            self._reader,
            self._backlog,
            self._pipeline,
            self._monitor,
            self._statistics,
            self._state,
            self._deadline,
            copy,
        )
        ticks = [self._malformed.tick, self._losses.tick, tick]
        if copy is not None:
            ticks.append(copy.tick)
        self._housekeeping = Housekeeping(
            config,
            self._register,
            self._pipeline,
            self._backlog,
            self._feed,
            self._state,
            ticks,
        )
        self._has_news = True
        """True if there may be a status request, or losses that the kernel counted."""
        self._looked = 0.0
        self._is_flowing = False
        """True if there was input at the last wait for it."""

    def _new_pipeline(self, config: Config) -> Pipeline:
        make_runner = partial(runner_of, self._spawner)
        return Pipeline(config, self._outputs, make_runner, self._hooks, patient=True)

    def run(self) -> Ledger:
        """Returns when the input has ended and everything is written, or kept for the next run."""
        tune_collector()
        self._signals.install()
        with ExitStack() as stack:
            self._close_at_end(stack)
            self._reader.start()
            closing = stack.enter_context(ExitStack())
            closing.callback(self._reader.close)
            if self._lock_directory():
                self._begin()
                self._work()
                closing.close()  # the rest of the input is in the backlog then
                self._state.leave(self._pipeline, self._backlog)
                if self._config.statusreport_period:
                    self._housekeeping.report()  # so that all periods together are the whole run
        if self._backlog.error is not None:
            raise InputError(f"cannot read the input: {self._backlog.error.strerror}")
        ledger = self._statistics.run(self._pipeline.ledger())
        if self._pipeline.finished:
            ledger.check()
        return ledger

    def _close_at_end(self, stack: ExitStack) -> None:
        """Closes everything but the reader, in the reverse order."""
        stack.callback(self._lock.close)
        if self._kernel is not None:
            stack.callback(self._kernel.close)
        stack.callback(self._losses.close)
        stack.callback(self._malformed.close)
        stack.callback(self._spawner.close)
        stack.callback(self._backlog.close)
        stack.callback(self._pipeline.close)
        stack.callback(self._service.close)

    # --- start

    def _lock_directory(self) -> bool:
        """Waits until no other run writes to the directory; returns False if it has to end."""
        said = -math.inf
        while not self._lock.try_hold():
            now = time.monotonic()
            if now - said >= LOCK_SAID:
                said = now
                log.warning(
                    "%s: in use by %s; waiting for it to end",
                    self._config.directory,
                    self._lock.holder(),
                )
            self._signals.wait(LOCK_POLL, ())
            self._react()
            if self._is_overdue():
                return False
        return True

    def _begin(self) -> None:
        """Continues where the former run stopped, as far as possible."""
        taken = self._state.take_over(self._outputs, self._spawner.journal, self._write_former)
        self._backlog.open(self._spool, taken.rest, unfinished=taken.is_within_a_line)
        if taken.former is not None:
            self._statistics.begin(taken.former.ledger(self._config))
        self._service.start()
        self._pipeline.start(taken.former, is_restart=taken.is_restart)

    def _write_former(self, former: FormerRun, config: Config) -> int:
        """Writes the output of a run long ago; returns the number of the next batch."""
        pipeline = self._new_pipeline(config)
        try:
            pipeline.start(former)
            pipeline.end_of_line()
            pipeline.end()
            while not pipeline.finished:
                pipeline.step(1000)
                self._take_stop()
                if self._is_overdue():
                    raise GaveUpError("cannot write the output of a former run now")
        finally:
            pipeline.close()
        return pipeline.next_number

    # --- the loop

    def _work(self) -> None:
        while not self._pipeline.finished and not self._is_overdue():
            self._react()
            self._look_around()
            self._pipeline.step()  # does what a signal has asked for, as soon as it can
            moved = self._feed.step()
            self._housekeeping.step()
            if not moved and not self._pipeline.finished:
                self._rest()

    def _look_around(self) -> None:
        """Serves the status socket, and looks for upstream losses, if it is time."""
        now = time.monotonic()
        if self._has_news or now - self._looked >= LOOK:
            self._has_news, self._looked = False, now
            self._service.step()
            self._monitor.step()

    def _rest(self) -> None:
        """Waits until there is something to do. Input that comes is handed over at once."""
        has_room = self._feed.has_room
        if has_room and self._reader.borrow():
            # While input flows, nothing else can be due much later than we look for it anyway.
            timeout = LOOK if self._is_flowing else self._timeout()
            self._is_flowing = False
            self._is_flowing = self._feed.wait(partial(self._wait_for_input, timeout))
            return
        fds = self._descriptors()
        self._signals.wait(self._timeout(), (*fds, self._backlog.fileno()) if has_room else fds)
        self._has_news = True

    def _wait_for_input(self, timeout: float, fd: int) -> bool:
        """Waits for input or for anything else; returns True if there is input to be read."""
        ready = self._signals.wait(timeout, (*self._descriptors(), fd))
        self._has_news = ready != [fd]
        return fd in ready and not self._signals  # a signal concerns what comes behind it

    def _descriptors(self) -> tuple[int, ...]:
        """Returns all descriptors that may become readable, except those of the input."""
        return (
            *self._service.filenos(),
            *self._monitor.filenos(),
            *self._pipeline.filenos(),
        )

    def _timeout(self) -> float:
        """Returns the seconds until something is due."""
        if self._monitor.has_notes and self._pipeline.has_room:
            return 0.0
        waits = [
            self._pipeline.next_due(),
            self._housekeeping.next_due(),
            max(self._losses.next_due(), 0.0) + 0.001,
            self._monitor.next_due(),
        ]
        if (due := self._service.next_due()) is not None:
            waits.append(due)
        if self._feed.needs_clock:
            waits.append(TICK)
        if (left := self._deadline.left) is not None:
            waits.append(left + 0.001)
        return max(min(waits), 0.0)

    # --- signals

    def _react(self) -> None:
        """Does what signals have asked for."""
        if not self._signals:
            return
        self._take_stop()
        numbers = self._signals.take()
        if signal.SIGHUP in numbers:
            self._reload()
        if signal.SIGUSR1 in numbers:
            self._feed.rotate()
        if signal.SIGUSR2 in numbers:
            self._housekeeping.report()

    def _take_stop(self) -> None:
        if self._signals.take_stop() and not self._deadline.is_set:
            self._deadline.set(self._config.pipeline.stop_timeout)
            self._reader.stop()

    def _is_overdue(self) -> bool:
        """True if the next run has to write what is not written now."""
        last_stall = self._feed.is_ending and bool(self._pipeline.stalled)
        return self._deadline.is_over(self._config.pipeline.stop_timeout, last_stall=last_stall)

    def _must_not_wait(self) -> bool:
        """True if the pipeline must not wait for a stalled output."""
        return self._is_overdue() or self._signals.has_reload

    def _reload(self) -> None:
        if self._feed.is_ending:
            return
        found = reload(self._reconfigure, self._config, self._first_config)
        if found is None:
            return
        self._config, self._outputs = config, outputs = found
        self._state.use(config)
        self._housekeeping.use(config)
        self._reader.linger.linger = _linger(config)
        self._monitor.use(config)
        self._service.use(config)
        self._pipeline.reload(config, outputs)
        log.info("configuration reloaded")


def _linger(config: Config) -> float:
    return config.pipeline.linger_ms / 1000

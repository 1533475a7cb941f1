"""Work that is due from time to time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from laurel_mp.config import Config
from laurel_mp.observe.register import Register
from laurel_mp.pipeline.daemon.input_feed import InputFeed
from laurel_mp.pipeline.daemon.run_state import RunState
from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.status.log_report import StatusReport
from laurel_mp.pipeline.supervisor.pipeline import Pipeline

PERIOD = 1.0
"""Seconds between two times while there is something to do."""

IDLE = 3600.0
"""Seconds to wait when nothing is due."""

log = logging.getLogger(__name__)


class Housekeeping:
    """Releases the spool, saves the state, dumps the process table, logs status reports.

    `ticks` are called each time, too.
    """

    def __init__(
        self,
        config: Config,
        register: Register,
        pipeline: Pipeline,
        backlog: Backlog,
        feed: InputFeed,
        state: RunState,
        ticks: Sequence[Callable[[], None]],
    ) -> None:
        self._register = register
        self._pipeline = pipeline
        self._backlog = backlog
        self._feed = feed
        self._state = state
        self._ticks = ticks
        self._report = StatusReport(config, time.monotonic())
        self._stepped = self._dumped = time.monotonic()
        self.use(config)

    def use(self, config: Config) -> None:
        """Takes another configuration."""
        self._report.use(config)
        debug = config.debug
        self._dump_period = debug.dump_state_period if debug.log is not None else 0

    def report(self) -> None:
        """Logs a status report."""
        log.info("%s", self._report.text(self._register.snapshot(), time.monotonic()))

    def step(self) -> None:
        """Does what is due."""
        now = time.monotonic()
        if self._report.wait(now) == 0:
            self.report()
        if now - self._stepped < PERIOD:
            return
        self._stepped = now
        self._backlog.release(self._pipeline.covered)
        for tick in self._ticks:
            tick()
        due = self._dump_due
        if due is not None and now >= due and self._feed.has_room:
            self._dumped = now
            self._pipeline.dump(self._feed.now())
        self._state.step(self._pipeline)

    def next_due(self) -> float:
        """Returns the seconds until `step` has something to do."""
        now = time.monotonic()
        # If nothing else happens, too: a state file that is older than `max-age` is useless.
        dues = (self._dump_due, self._state.due(self._pipeline))
        waits = [max(due, self._stepped + PERIOD) - now for due in dues if due is not None]
        if self._pipeline.is_busy:
            waits.append(PERIOD)
        if (wait := self._report.wait(now)) is not None:
            waits.append(wait)
        return min(waits, default=IDLE)

    @property
    def _dump_due(self) -> float | None:
        return self._dumped + self._dump_period if self._dump_period else None

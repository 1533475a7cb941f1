"""Runs batches through a stage runner, and replaces the runner when it fails.

There is one way out of every failure, and of a reload too: stop the runner, start another one
from the last checkpoint, and replay the batches behind it.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from laurel_mp.config import Config
from laurel_mp.errors import OutputError, PipelineError
from laurel_mp.pipeline.runner import wire
from laurel_mp.pipeline.runner.batches import Batch
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.stage_runner import (
    GaveUpError,
    OnStall,
    StageRunner,
    StageRunnerError,
    StartState,
)
from laurel_mp.pipeline.supervisor import poison
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.poison import Poison
from laurel_mp.pipeline.supervisor.recovery_point import RecoveryPoint
from laurel_mp.pipeline.supervisor.session import Session, snapshots_for

RELOAD_SECONDS = 5.0
"""Seconds that a reload waits for a checkpoint, so that nothing need be replayed."""

LONGEST_PAUSE = 5.0
"""Seconds to wait at most before a runner that has failed again and again is replaced."""

FAILURES = 8
"""So many in a row, without a checkpoint between them, end an offline command."""

MakeRunner = Callable[[Config, Outputs, OnStall], StageRunner]

log = logging.getLogger(__name__)


class Reload(NamedTuple):
    """A configuration that is to come into force."""

    config: Config
    outputs: Outputs
    deadline: float


class Recovery:
    """Owns the stage runner, and the recovery point from which the next one starts.

    A `patient` one never gives up, however often the runner fails.
    """

    def __init__(
        self,
        config: Config,
        outputs: Outputs,
        make_runner: MakeRunner,
        hooks: Hooks,
        *,
        patient: bool,
    ) -> None:
        self.config = config
        self.session = Session(config)
        self.point = RecoveryPoint()
        self.stalled = ""
        """Reason that the output stalls; empty if it does not."""
        self.recoveries = 0
        """Number of stage runners that were replaced because they had failed."""
        self.reloads = 0
        """Number of reloads."""
        self.set_aside = 0
        """Lines that were set aside because processes died over them."""
        self.failures: Counter[str] = Counter()
        """Number of recoveries by the process that caused them."""
        self._outputs = outputs
        self._make_runner = make_runner
        self._hooks = hooks
        self._patient = patient
        self._poison = Poison()
        self._has_begun = False
        self._reported = 0
        """Number of the last batch whose malformed lines were reported."""
        self._failures_in_row = 0
        self._restart_at: float | None = None
        self._reload: Reload | None = None
        self._former: tuple[Config, Outputs] | None = None
        """The configuration before the last reload, until the new one has proved itself."""

    # --- the runner

    @property
    def takes_batches(self) -> bool:
        """True if a batch that is handed over now goes to the runner."""
        return self._reload is None and self.session.is_running

    def start(self, point: RecoveryPoint, reported: int, *, is_restart: bool) -> None:
        """Starts the first runner."""
        self.point = point
        self._reported = reported
        self._begin(is_restart=is_restart)

    def _begin(self, *, is_restart: bool = False) -> None:
        """Starts a runner from the recovery point, and replays its batches."""
        self._restart_at = None
        self.session = Session(self.config, self.point.checkpoint)
        runner = self._make_runner(self.config, self._outputs, self._on_stall)
        # A new configuration may name outputs that cannot be used: then the former one returns.
        is_first_start = not self._has_begun or self._former is not None
        self._has_begun = True
        state = StartState(
            snapshots=snapshots_for(self.config, self.point.checkpoint),
            written_through=self.point.written_through,
            is_first_start=is_first_start,
            is_restart=is_restart,
        )
        try:
            self.session.start(runner, state)
        except StageRunnerError as failure:
            self._failed(failure)
        except GaveUpError:
            self._start_again()
        except OutputError as error:
            self._revert(error)
        else:
            self._hand_over_all(list(self.point.batches))

    def stop(self) -> None:
        """Kills the runner, if there is one, whatever it is doing."""
        if self.session.is_running:
            self.point.stopped(*self.session.stop())

    def close(self) -> None:
        """Ends a runner that has done everything."""
        if self.session.is_running:
            self.session.close()

    def _start_again(self) -> None:
        self.stop()
        self._restart_at = time.monotonic()

    # --- batches

    def hand_over(self, batch: Batch) -> None:
        """Hands over a new batch, and keeps it until a checkpoint covers it."""
        self.point.batches.add(batch)
        parts = [batch]
        if self._poison.has_found:
            parts = self._poison.parts(batch)
            if len(parts) > 1 or batch.diverted:
                self.point.batches.replace(batch, parts)
                self._keep_aside(
                    [line.line for part in parts if part.diverted for line in part.past_stages()]
                )
        self._hand_over_all(parts)

    def _hand_over_all(self, batches: Iterable[Batch]) -> None:
        try:
            for batch in batches:
                routed = self.session.route(batch)
                if batch.number > self._reported:
                    self._reported = batch.last_number
                    for line in routed.malformed:
                        self._hooks.malformed(line)
                self.session.send(batch, routed)
        except StageRunnerError as failure:
            self._failed(failure)
        except GaveUpError:
            self._start_again()
        except OutputError as error:
            self._revert(error)

    def receive(self, timeout_ms: int) -> Sequence[wire.Report]:
        """Returns reports, the first within `timeout_ms`; recovers from a failure."""
        if not self.session.is_running:
            pause = timeout_ms / 1000
            if self._restart_at is not None:
                pause = min(pause, max(self._restart_at - time.monotonic(), 0.0))
            time.sleep(pause)
            return ()
        try:
            return self.session.receive(timeout_ms)
        except StageRunnerError as failure:
            self._failed(failure)
        except OutputError as error:
            self._revert(error)
        return ()

    def wrote(self) -> None:
        """Notes that the output works: something was written."""
        self.stalled = ""
        self._former = None

    def made_checkpoint(self) -> None:
        """Notes that the runner works."""
        self._failures_in_row = 0

    def _on_stall(self, reason: str) -> None:
        """Is called by a runner in this process while it waits for an output."""
        self.stalled = reason
        self._hooks.stalled()
        if self._reload is not None or self._hooks.must_not_wait():
            raise GaveUpError(reason)

    # --- recovery

    def next_due(self) -> float | None:
        """Returns the seconds until `step` has something to do; None if it may never have."""
        if self._restart_at is not None:
            return max(self._restart_at - time.monotonic(), 0.0)
        return 0.0 if self._reload is not None and not self.point.batches else None

    def step(self, *, is_finished: bool) -> None:
        """Starts a runner, puts a configuration in force, or replaces a runner that hangs."""
        if self._restart_at is not None and time.monotonic() >= self._restart_at:
            self._begin()
        reload = self._reload
        if reload is not None and (
            not self.session.is_running
            or not self.point.batches
            or time.monotonic() >= reload.deadline
        ):
            self._change(reload)
        if self.session.is_running and not is_finished:
            timeout = self.config.pipeline.hang_timeout * 2 ** min(self._failures_in_row, 5)
            failure = self.session.hang(timeout)
            if failure is not None:
                self._failed(failure)

    def _failed(self, failure: StageRunnerError) -> None:
        """Stops a runner that has failed; another one starts after a pause."""
        self.stop()
        self.recoveries += 1
        if failure.process:
            self.failures[failure.process] += 1
        self._failures_in_row += 1
        if failure.batch and self._poison.blame(failure.batch, self.point.batches):
            self._take_out()
            self._failures_in_row = 1  # the next runner gets other batches
        if self._failures_in_row > FAILURES and not self._patient:
            raise PipelineError(str(failure))
        pause = 0.0
        if self._failures_in_row > 1:
            pause = min(0.05 * 2 ** (self._failures_in_row - 2), LONGEST_PAUSE)
        self._restart_at = time.monotonic() + pause
        log.warning("%s; restarting all processes from the last checkpoint", failure)

    def _take_out(self) -> None:
        """Sets aside the lines over which processes die."""
        checkpoint = self.point.checkpoint
        stages, lines = self._poison.take_out(
            self.point.batches, checkpoint.stages if checkpoint is not None else None
        )
        if checkpoint is not None and stages is not None:
            self.point.checkpoint = replace(checkpoint, stages=stages)
        self._keep_aside(lines)

    def _keep_aside(self, lines: list[bytes]) -> None:
        self.set_aside += len(lines)
        directory = None if self._outputs.take("malformed") else Path(self.config.directory)
        poison.keep(lines, directory)

    # --- another configuration

    def reload(self, config: Config, outputs: Outputs) -> None:
        """Puts a configuration in force at the next checkpoint, or after RELOAD_SECONDS."""
        self._reload = Reload(config, outputs, time.monotonic() + RELOAD_SECONDS)

    def _change(self, reload: Reload) -> None:
        self.stop()
        self._reload = None
        self.reloads += 1
        self._former = (self.config, self._outputs)
        self.config, self._outputs = reload.config, reload.outputs
        self._begin()

    def _revert(self, error: OutputError) -> None:
        """Returns to the former configuration if an output of a new one cannot be used."""
        if self._former is None:
            raise error
        log.error("%s; keeping the former configuration", error)
        self.config, self._outputs = self._former
        self._former = None
        self._start_again()

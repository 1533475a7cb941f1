"""The state that a run takes over from the run before it, and leaves to the next one.

It is in the state file, or, if none is configured, in the file `unwritten` in the directory of the
logs when a run ends with output that is not written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from laurel_mp.config import Config
from laurel_mp.errors import LaurelError, SnapshotError
from laurel_mp.outputs.journal import Journal
from laurel_mp.outputs.unwritten import Pending
from laurel_mp.pipeline.daemon.state_file import Loaded, StateFile
from laurel_mp.pipeline.daemon.written_events import events_in
from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.pieces import Piece, pieces_of_plain, shifted
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.stage_runner import GaveUpError
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.recovery_point import FormerRun

UNWRITTEN = "unwritten"
"""Below the directory: the file for output that is not written, without a state file."""

log = logging.getLogger(__name__)


class TakenOver(NamedTuple):
    """State and input of the former run."""

    former: FormerRun | None = None
    is_restart: bool = False
    """True if `former` knows processes, of which some have ended since."""
    rest: Sequence[Piece] = ()
    """Input that the former run had read and not fed."""

    @property
    def is_within_a_line(self) -> bool:
        """True if the former run had fed the start of a line, and `rest` continues it."""
        return self.former is not None and self.former.is_within_a_line


class RunState:
    """Loads, saves and removes the state."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._file = StateFile.of(config)
        self._outdated: StateFile | None = None
        """The file of the former run, until a checkpoint covers all of it."""
        self._saved = time.monotonic()

    @property
    def has_file(self) -> bool:
        """True if a state file is configured."""
        return self._file is not None

    def use(self, config: Config) -> None:
        """Takes another configuration."""
        if config.state != self._config.state:
            self._file = StateFile.of(config)
        self._config = config

    # --- at the start

    def take_over(
        self, outputs: Outputs, journal: Journal, write: Callable[[FormerRun, Config], int]
    ) -> TakenOver:
        """Loads what the former run has left, as far as it is valid.

        `write` writes what a run long ago had not written, and returns the number of the next
        batch. Raises GaveUpError if that takes too long.
        """
        leftover = self._leftover_file()
        self._outdated = leftover if leftover.path.exists() else self._file
        loaded = self._outdated.load() if self._outdated is not None else None
        if loaded is None:
            return TakenOver()
        try:
            return self._take_over(loaded, outputs, journal, write)
        except GaveUpError:
            raise
        except (LaurelError, KeyError, ValueError, TypeError, IndexError) as error:
            log.error("ignoring invalid state file: %s", error)  # noqa: TRY400
            return TakenOver()

    def _take_over(
        self,
        loaded: Loaded,
        outputs: Outputs,
        journal: Journal,
        write: Callable[[FormerRun, Config], int],
    ) -> TakenOver:
        state = loaded.state
        rest = pieces_of_plain(state.get("rest", []))
        if not loaded.same_boot:
            rest = shifted(rest, time.monotonic())
        if loaded.fresh:
            former = _former_run(state, self._config, outputs, journal)
            former.drop_written(partial(events_in, outputs))
            return TakenOver(former, is_restart=True, rest=rest)
        log.warning("ignoring state of processes: %s", loaded.reason)
        # Its output is still due. Nothing can be added to its events, so they end here.
        inline = replace(self._config, pipeline=replace(self._config.pipeline, workers=0))
        next_number = write(_former_run(state, inline, outputs, journal), inline)
        return TakenOver(FormerRun.behind(next_number, self._config), rest=rest)

    def _leftover_file(self) -> StateFile:
        return StateFile(Path(self._config.directory) / UNWRITTEN, self._config.state.max_age, 0)

    # --- during the run

    def due(self, pipeline: Pipeline) -> float | None:
        """Returns when `step` has something to do; None if only a checkpoint can change that."""
        if self._outdated is not None:
            return 0.0 if pipeline.has_checkpoint else None
        period = self._config.state.write_state_period
        return self._saved + period if self._file is not None and period else None

    def step(self, pipeline: Pipeline) -> None:
        """Removes an outdated file, and saves the state when it is due."""
        if self._outdated is not None and pipeline.has_checkpoint:
            self._outdated.remove()  # or the next run would write the same output again
            self._outdated = None
        due, now = self.due(pipeline), time.monotonic()
        if self._file is not None and due is not None and now >= due:
            self._saved = now
            self._file.save_soon(pipeline.save(all_of_it=False))

    # --- at the end

    def leave(self, pipeline: Pipeline, backlog: Backlog) -> None:
        """Saves all that the next run needs. Nothing is read any more."""
        if not pipeline.finished:
            pipeline.stop()
        rest = backlog.spool_rest()
        if pipeline.finished and not rest and self._file is None:
            backlog.release()
            return
        state = pipeline.save(all_of_it=True)
        state["rest"] = rest
        file = self._file or self._leftover_file()
        if file.save(state):
            backlog.release()
        elif not pipeline.finished or rest:
            log.error("unwritten output is lost")
        if not pipeline.finished:
            log.warning("output is not complete; the next start will write the rest")


def _former_run(
    state: dict[str, Any], config: Config, outputs: Outputs, journal: Journal
) -> FormerRun:
    """Reads the former run, and puts what it had begun to write into the journal."""
    former = FormerRun.of_plain(state, config)
    if state.get("unwritten") is not None:
        unwritten = Pending.of_plain(state["unwritten"])
        if unwritten.batch >= former.next_number:
            raise SnapshotError("a batch was written that was not read")
        outputs.restore(journal, unwritten)
    return former

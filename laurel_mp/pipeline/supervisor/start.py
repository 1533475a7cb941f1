"""Chooses a stage runner, and starts pipelines of offline commands."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from laurel_mp.config import Config
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.spawner import ProcessSpawner
from laurel_mp.pipeline.runner.stage_runner import OnStall, StageRunner
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.system import malloc

COLLECTOR_THRESHOLDS = (50_000, 50, 50)
"""Python's are (700, 10, 10); with those the collector took a twentieth of the time."""


OFFLINE_WINDOWS = 4
"""With a single window, checkpoints take a twentieth of the time of an offline command. A recovery
need not be quick there."""


def runner_of(
    spawner: ProcessSpawner, config: Config, outputs: Outputs, on_stall: OnStall
) -> StageRunner:
    """Returns the configured stage runner."""
    workers = stage_options.worker_count(config)
    if workers == 0:
        from laurel_mp.pipeline.runner.inline import InlineRunner

        # Offline, no process would complete what this one leaves when it dies.
        journal = spawner.journal if spawner.live else None
        return InlineRunner(
            config, outputs, journal, on_stall, live=spawner.live, accounts=spawner.accounts
        )
    from laurel_mp.pipeline.runner.parallel import ParallelRunner

    return ParallelRunner(config, outputs, workers, spawner)


def start_fork_server(spawner: ProcessSpawner, config: Config) -> None:
    """Forks the fork server, if there will be children; before there are threads."""
    if stage_options.worker_count(config):
        from laurel_mp.pipeline.runner.parallel import start_child

        spawner.server(start_child)


def tune_collector() -> None:
    """Makes the garbage collector run rarely: few objects are in cycles, and many live long.

    Children inherit it.
    """
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def use_batch_scheduling() -> None:
    """Sets SCHED_BATCH: a process that wakes up another one is not interrupted by it.

    On as many CPUs as there are busy processes that takes a twentieth less time. Children inherit
    it.
    """
    with suppress(OSError):  # a sandbox may forbid it; it is not needed
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@contextmanager
def open_pipeline(config: Config, outputs: Outputs, hooks: Hooks) -> Iterator[Pipeline]:
    """Runs a pipeline for an offline command.

    To be called before there are threads: it may fork.
    """
    tune_collector()
    malloc.keep_what_is_free()
    use_batch_scheduling()
    spawner = ProcessSpawner(live=False)
    make_runner = partial(runner_of, spawner)
    pipeline = Pipeline(config, outputs, make_runner, hooks, windows=OFFLINE_WINDOWS)
    try:
        pipeline.start()
        yield pipeline
    finally:
        pipeline.close()
        spawner.close()

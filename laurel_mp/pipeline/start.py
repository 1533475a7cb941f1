"""Choosing a pipeline, and starting it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from laurel_mp.config import Config
from laurel_mp.pipeline import memory, options
from laurel_mp.pipeline.crew import Crew, HeldBack
from laurel_mp.pipeline.nursery import Nursery
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.pipeline import OnMalformed, Pipeline

COLLECTOR_THRESHOLDS = (50_000, 50, 50)
"""Python's are (700, 10, 10); with those the collector took a twentieth of the time."""


OFFLINE_WINDOWS = 4
"""Checkpoints cost offline commands a twentieth of their time, with a single window. Nobody waits
for them while they do again what came since the last one."""


def crew_of(nursery: Nursery, config: Config, outputs: Outputs, held_back: HeldBack) -> Crew:
    """A crew by the configuration."""
    workers = options.worker_count(config)
    if workers == 0:
        from laurel_mp.pipeline.inline import InlineCrew

        # Offline there is nobody who could go on with what this process leaves, if it dies.
        journal = nursery.journal if nursery.live else None
        return InlineCrew(
            config, outputs, journal, held_back, live=nursery.live, accounts=nursery.accounts
        )
    from laurel_mp.pipeline.parallel import ProcessCrew

    return ProcessCrew(config, outputs, workers, nursery)


def tune_collector() -> None:
    """Hardly anything here is part of a cycle, and there is much that lives long.

    So cycles are looked for seldom. Children take this on.
    """
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def leave_others_running() -> None:
    """Says that no process of this command is in a hurry: whoever wakes one up goes on first.

    On as many CPUs as there are busy processes that takes a twentieth less time, as workers are
    interrupted less often. Children take this on.
    """
    with suppress(OSError):  # a sandbox may forbid it; it is not needed
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@contextmanager
def open_pipeline(
    config: Config, outputs: Outputs, on_malformed: OnMalformed
) -> Iterator[Pipeline]:
    """A running pipeline for an offline command, by the configuration.

    To be called before there are threads: it may fork.
    """
    tune_collector()
    memory.keep_what_is_free()
    leave_others_running()
    nursery = Nursery(live=False)
    pipeline = Pipeline(
        config, outputs, partial(crew_of, nursery), on_malformed, windows=OFFLINE_WINDOWS
    )
    try:
        pipeline.start()
        yield pipeline
    finally:
        pipeline.close()
        nursery.close()

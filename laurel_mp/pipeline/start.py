"""Choosing a pipeline, and starting it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from laurel_mp.config import Config
from laurel_mp.pipeline import options
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.pipeline import OnMalformed, Pipeline

COLLECTOR_THRESHOLDS = (50_000, 50, 50)
"""Python's are (700, 10, 10); with those the collector took a twentieth of the time."""


@contextmanager
def open_pipeline(
    config: Config, outputs: Outputs, on_malformed: OnMalformed, *, live: bool
) -> Iterator[Pipeline]:
    """A running pipeline by the configuration; a live one asks this host about its processes.

    To be called before there are threads: it may fork.
    """
    # Hardly anything here is part of a cycle, and there is much that lives long: look for cycles
    # seldom. Children take this on.
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    workers = options.worker_count(config)
    pipeline: Pipeline
    if workers == 0:
        from laurel_mp.pipeline.inline import InlinePipeline

        pipeline = InlinePipeline(config, outputs, on_malformed, live=live)
    else:
        from laurel_mp.pipeline.forkserver import ForkServer
        from laurel_mp.pipeline.parallel import ParallelPipeline, start_child

        server = ForkServer(start_child)
        try:
            pipeline = ParallelPipeline(config, workers, outputs, server, on_malformed, live=live)
        except BaseException:
            server.close()
            raise
    try:
        pipeline.start()
        yield pipeline
    finally:
        pipeline.close()

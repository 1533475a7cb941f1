"""Choosing a pipeline, and starting it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from laurel_mp.config import Config
from laurel_mp.pipeline import options
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.pipeline import OnMalformed, Pipeline


@contextmanager
def open_pipeline(
    config: Config, outputs: Outputs, on_malformed: OnMalformed, *, live: bool
) -> Iterator[Pipeline]:
    """A running pipeline by the configuration; a live one asks this host about its processes.

    To be called before there are threads: it may fork.
    """
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

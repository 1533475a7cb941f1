"""From the configuration to what each stage needs to know."""

from __future__ import annotations

import os

from laurel_mp.config import Config
from laurel_mp.events.coalescer import Limits
from laurel_mp.processes.context import ContextOptions
from laurel_mp.records.options import RecordOptions
from laurel_mp.stages.assembler import Assembler
from laurel_mp.stages.decoder import Decoder
from laurel_mp.stages.router import Router
from laurel_mp.stages.tracker import Tracker

AUTO_WORKERS = 6
"""The most that `workers = "auto"` takes: one ingest process feeds about as many."""


def worker_count(config: Config) -> int:
    """How many workers to use. A machine of one or two CPUs does best without any."""
    if config.pipeline.workers != "auto":
        return int(config.pipeline.workers)
    cpus = len(os.sched_getaffinity(0))
    return 0 if cpus <= 2 else min(cpus - 2, AUTO_WORKERS)


def router(config: Config, workers: int) -> Router:
    """The router, for `workers` workers."""
    return Router(workers, max_line_bytes=config.pipeline.max_line_bytes)


def decoder(config: Config) -> Decoder:
    """A worker's decoder."""
    limits = Limits(
        config.pipeline.end_of_event_timeout,
        config.pipeline.duplicate_window,
        config.pipeline.max_event_bytes,
    )
    return Decoder(_records(config), limits, os.uname().nodename.encode())


def tracker(config: Config) -> Tracker:
    """The tracker."""
    enrich = config.enrich
    options = ContextOptions(
        pid=enrich.pid,
        ppid_verbose=enrich.ppid_verbose,
        parent_info=enrich.parent_info,
        spawned_by=enrich.spawned_by,
        prefix=_prefix(config),
    )
    return Tracker(options)


def assembler(config: Config, workers: int) -> Assembler:
    """The writer's assembler, for `workers` workers."""
    return Assembler(workers, config.auditlog.line_prefix.encode())


def _prefix(config: Config) -> bytes | None:
    return config.enrich.prefix.encode() if config.enrich.prefix else None


def _records(config: Config) -> RecordOptions:
    user_name = group_name = None
    if config.translate.user_db:
        from laurel_mp.processes.users import Names

        names = Names()
        user_name, group_name = names.user, names.group
    return RecordOptions(
        universal=config.translate.universal,
        user_name=user_name,
        group_name=group_name,
        drop_raw=config.translate.drop_raw,
        prefix=_prefix(config),
        argv_array="array" in config.transform.execve_argv,
        argv_string="string" in config.transform.execve_argv,
        argv_limit=config.transform.execve_argv_limit_bytes,
        look_up_pids=config.enrich.pid,
    )

"""From the configuration to what each stage needs to know."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from laurel_mp.config import Config
from laurel_mp.events.reassembly.coalescer import Limits
from laurel_mp.formats import native
from laurel_mp.pipeline.host.host_access import System
from laurel_mp.pipeline.runner.event_filters import EventFilters
from laurel_mp.processes.context import ContextOptions
from laurel_mp.processes.environment import VariableFilter
from laurel_mp.processes.hashes import ExecutableHashes
from laurel_mp.processes.labels import LabelRules, PatternLabels
from laurel_mp.processes.seeding import SystemView
from laurel_mp.processes.users import Names
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import encode
from laurel_mp.stages.assembler import Assembler
from laurel_mp.stages.decoder import Decoder
from laurel_mp.stages.enricher import Enricher, EnricherOptions
from laurel_mp.stages.loss_reporter import LossOptions
from laurel_mp.stages.router import Router
from laurel_mp.stages.tracker import Tracker, TrackerOptions

AUTO_WORKERS = 6
"""The most that `workers = "auto"` takes: one ingest process feeds about as many."""


def worker_count(config: Config) -> int:
    """Number of workers to use. A machine of one or two CPUs does best without any."""
    if config.pipeline.workers != "auto":
        return int(config.pipeline.workers)
    cpus = len(os.sched_getaffinity(0))
    return 0 if cpus <= 2 else min(cpus - 2, AUTO_WORKERS)


def check(config: Config) -> None:
    """Raises ConfigError for settings that are valid in themselves, but not on this host."""
    EventFilters(config)


def router(config: Config, workers: int) -> Router:
    """The router, for `workers` workers."""
    return Router(workers, max_line_bytes=config.pipeline.max_line_bytes)


def decoder(config: Config, system: System | None = None) -> Decoder:
    """A worker's decoder; `system` is what it may ask this host."""
    limits = Limits(
        config.pipeline.end_of_event_timeout,
        config.pipeline.duplicate_window,
        config.pipeline.max_event_bytes,
    )
    records = _records(config, system)
    return Decoder(
        records,
        limits,
        _local_node(),
        _enricher(config, records, system),
        EventFilters(config).of_content(),
    )


def tracker(
    config: Config,
    system: System | None = None,
    snapshot: bytes | None = None,
    *,
    is_restart: bool = False,
) -> Tracker:
    """The tracker, restored from a snapshot if there is one.

    When live, its tables are filled with what is running now; those of a snapshot are brought
    up to date if it is a `restart`, that is, if some time has passed since then.
    """
    enrich, labels = config.enrich, config.label_process
    context = ContextOptions(
        pid=enrich.pid,
        ppid_verbose=enrich.ppid_verbose,
        parent_info=enrich.parent_info,
        spawned_by=enrich.spawned_by,
        container=enrich.container,
        container_info=enrich.container_info,
        systemd=enrich.systemd,
        argv=enrich.argv,
        prefix=_prefix(config),
    )
    rules = LabelRules(
        _names(labels.label_keys),
        PatternLabels(labels.label_exe, labels.unlabel_exe),
        _names(labels.propagate_labels),
    )
    tracker_options = TrackerOptions(context, rules, EventFilters(config).of_processes())
    view = None
    if system is not None:
        view = SystemView(system.procfs)
        tracker_options = replace(tracker_options, local_node=encode(_local_node()), find=view.find)
    found = Tracker(tracker_options)
    if snapshot is not None:
        found.restore(snapshot)
        if is_restart and view is not None:
            found.reconcile(view.processes())
    elif view is not None:
        found.seed(view.processes())
    return found


def assembler(config: Config, workers: int, *, live: bool = False) -> Assembler:
    """The writer's assembler, for `workers` workers."""
    return Assembler(workers, losses(config, live=live))


def losses(config: Config, *, live: bool) -> LossOptions:
    """Options of the search for gaps in the stream, and of what is written about them."""
    return LossOptions(
        config.loss.window,
        config.loss.interval,
        config.loss.records == "always" or (live and config.loss.records == "live"),
        RecordOptions(prefix=_prefix(config)).added(native.NOTE),
    )


def _local_node() -> bytes:
    return os.uname().nodename.encode()


def _prefix(config: Config) -> bytes | None:
    return config.enrich.prefix.encode() if config.enrich.prefix else None


def _names(names: Iterable[str]) -> frozenset[bytes]:
    return frozenset(name.encode() for name in names)


def _records(config: Config, system: System | None) -> RecordOptions:
    user_name = group_name = groups_of = None
    names = system.names if system is not None else None
    if config.translate.user_db:
        names = names or Names()
        user_name, group_name = names.user, names.group
    if config.enrich.user_groups and system is not None and names is not None:
        groups_of = names.groups_of
    filters = EventFilters(config)
    return RecordOptions(
        universal=config.translate.universal,
        interpret=config.translate.interpret,
        user_name=user_name,
        group_name=group_name,
        drop_raw=config.translate.drop_raw,
        prefix=_prefix(config),
        argv_array="array" in config.transform.execve_argv,
        argv_string="string" in config.transform.execve_argv,
        argv_limit=config.transform.execve_argv_limit_bytes,
        record_types=config.transform.record_types,
        groups_of=groups_of,
        filter_address=filters.address,
        queries_name_rules=bool(config.label_process.label_keys) or filters.are_active,
        look_up_pids=config.enrich.pid,
    )


def _enricher(config: Config, records: RecordOptions, system: System | None) -> Enricher | None:
    """Adds the configured context to execs; None if nothing is configured."""
    enrich, labels = config.enrich, config.label_process
    options = EnricherOptions(
        records=records,
        script=enrich.script,
        argv=enrich.argv,
        label_argv=PatternLabels(labels.label_argv, labels.unlabel_argv),
        label_script=PatternLabels(labels.label_script, labels.unlabel_script),
        label_argv_count=labels.label_argv_count,
        label_argv_bytes=labels.label_argv_bytes,
    )
    if system is None:
        has_patterns = options.label_argv or options.label_script
        return Enricher(options) if has_patterns or enrich.script or enrich.argv else None
    hashes = None
    if enrich.exe_hash:
        hashes = ExecutableHashes(
            system.procfs, enrich.exe_hash_size_limit, enrich.exe_hash_cache_entries
        )
    environment = VariableFilter(enrich.execve_env) if enrich.execve_env else None
    return Enricher(replace(options, procfs=system.procfs, environment=environment, hashes=hashes))

"""Declares all counters and gauges of laurel-mp.

Status socket, `laurel-mp status` and `top`, metrics and docs/status.md follow these declarations.
The docstring of each group names its source.
"""

from __future__ import annotations

from laurel_mp.observe.measures import Group, counter, gauge, text

PROGRAM = Group(
    "program",
    "The daemon.",
    (
        text("version", "Version of the daemon.", metric="build_info"),
        text("marker", "Value of `marker` in the configuration."),
        gauge("start_time", "Start of the daemon, in seconds since 1970.", "seconds"),
        gauge("workers", "Number of worker processes; 0 if all stages run in one process."),
        counter("reloads", "Configuration reloads that took effect."),
        counter(
            "recoveries",
            "Restarts of all processes from the last checkpoint, after one died, failed or hung.",
            in_report=True,
        ),
        counter("cpu_user", "CPU time in user mode of all processes that handle input.", "seconds"),
        counter(
            "cpu_system", "CPU time in the kernel of all processes that handle input.", "seconds"
        ),
        counter("checkpoints", "Completed checkpoints."),
        counter(
            "lines_set_aside",
            "Lines set aside because processes died over them repeatedly.",
            in_report=True,
        ),
    ),
)
"""Source: main thread of ingest, laurel_mp.pipeline.status.run_statistics."""

LEDGER = Group(
    "ledger",
    "The account of all input lines. Each line counts once: in an event, in a filtered event, as "
    "an end of event, as a duplicate, as malformed, or in flight.",
    (
        counter("lines", "Lines of input."),
        counter("event_lines", "Lines in events, without filtered events."),
        counter("filtered_lines", "Lines in events that a filter matched."),
        counter("end_of_event_lines", "EOE records, which end an event without being part of it."),
        counter("duplicate_lines", "Lines dropped because their event was complete already."),
        counter(
            "malformed_lines", "Lines without a valid header, over the length limit, or set aside."
        ),
        gauge("lines_in_flight", "Lines of events that are not complete yet."),
        counter("events", "Completed events, filtered ones included."),
        counter("written_events", "Events for the main output."),
        counter("filtered_events", "Events that a filter matched."),
        counter("incomplete_events", "Events marked INCOMPLETE in the output."),
        counter("timed_out_events", "Events ended by pipeline.end-of-event-timeout."),
        counter("cut_events", "Events cut at a size limit."),
        counter(
            "late_events",
            "Incomplete events of which an earlier part was output before.",
        ),
        counter("events_without_end", "Incomplete events without an EOE record."),
        counter("events_without_path", "Incomplete events with missing PATH records."),
        counter("events_without_argument", "Incomplete events with missing command arguments."),
        counter("events_of_only_an_end", "EOE records without any other record of their event."),
        counter("loss_lines", "Lines in the main output that report missing events."),
    ),
)
"""Source: main thread of ingest, laurel_mp.pipeline.status.run_statistics, from the ledger."""

INPUT = Group(
    "input",
    "Input from its arrival to the output.",
    (
        counter("read", "Input read.", "bytes"),
        gauge("memory", "Backlog in memory.", "bytes"),
        gauge(
            "memory_limit", "Limit of the backlog in memory; at the limit, reading stops.", "bytes"
        ),
        gauge("spool", "Backlog in the spool on disk.", "bytes"),
        gauge("spool_limit", "Capacity of the spool; 0 without a spool.", "bytes"),
        counter("spooled", "Input that passed through the spool.", "bytes"),
        counter(
            "stopped",
            "Time without reading because the backlog was full: auditd had to wait.",
            "seconds",
        ),
        gauge("window", "Input handed over since the last checkpoint.", "bytes"),
        gauge("window_limit", "Limit of the window (pipeline.window-bytes).", "bytes"),
        gauge("in_flight", "Input handed over and not written yet.", "bytes"),
        gauge("in_flight_limit", "Limit of input in flight.", "bytes"),
        gauge("lag", "Age of the oldest input that is not written yet.", "seconds"),
        gauge("output_waits", "1 while an output is stalled, otherwise 0."),
        text("output_waits_for", "Reason of the stall."),
    ),
    prefix="input_",
)
"""Source: main thread of ingest, laurel_mp.pipeline.status.run_statistics, from the backlog and the
pipeline."""

LOSSES = Group(
    "losses",
    "Missing events of each node; the name is empty for lines without `node=`.",
    (
        counter(
            "missing_events",
            "Serials that never arrived.",
            in_report=True,
        ),
        counter("gaps", "Gaps: runs of serials that never arrived."),
        counter("late_events", "Missing events that arrived later, after they were reported."),
    ),
    labels=("node",),
    prefix="losses_",
)
"""Source: main thread of ingest, laurel_mp.pipeline.daemon.loss_report."""

QUEUES = Group(
    "queues",
    "Upstream losses: records dropped by the queues of the kernel and of auditd.",
    (
        counter(
            "kernel_dropped_records",
            "Records dropped by the kernel, by its own count (`[loss] kernel`).",
            in_report=True,
        ),
        gauge("kernel_backlog_records", "Records in the backlog of the kernel."),
        gauge("kernel_backlog_limit_records", "Limit of the backlog of the kernel."),
        counter(
            "auditd_overflows",
            "Times auditd reported that its plugin queue was full, as far as seen.",
            in_report=True,
        ),
    ),
    prefix="queues_",
)
"""Source: main thread of ingest, laurel_mp.pipeline.daemon.upstream_losses."""

PROCESSES = Group(
    "processes",
    "One row for each process, except name services and output programs. Work that is repeated "
    "after a recovery counts again.",
    (
        gauge("pid", "Process id."),
        counter(
            "events",
            "Events decoded (worker) or written (writer); process queries answered (tracker).",
        ),
        counter("lines", "Lines handed over (ingest) or decoded (worker)."),
        counter("batches", "Batches processed."),
        counter("written", "Output written.", "bytes"),
        counter("cpu_user", "CPU time in user mode.", "seconds"),
        counter("cpu_system", "CPU time in the kernel.", "seconds"),
        gauge(
            "memory", "Resident memory (RSS), memory shared with other processes included.", "bytes"
        ),
        gauge("queue_batches", "Batches, or reads, that are queued or in work."),
        gauge("queue", "Input in queued batches.", "bytes"),
        gauge("lag", "Age of the oldest queued input.", "seconds"),
        counter("restarts", "Restarts for any reason."),
        counter("failures", "Restarts caused by a failure of this process.", in_report=True),
        counter("lookups", "Look-ups of processes in /proc."),
        counter("lookups_gone", "Look-ups in /proc of processes that had ended."),
        counter("names_asked", "Look-ups of user and group names."),
        counter("names_unanswered", "Look-ups of names without an answer in time."),
        counter("messages_lost", "Log messages lost because the log was full.", in_report=True),
    ),
    labels=("process",),
    prefix="process_",
)
"""Source: main thread of ingest, laurel_mp.pipeline.status.run_statistics; other processes publish
their counts on the scoreboard (laurel_mp.pipeline.counters.meter)."""

TABLES = Group(
    "tables",
    "Caches and tables of the processes, each with a limit.",
    (
        gauge("entries", "Number of entries; bytes if the name of the table ends in `bytes`."),
        gauge("limit", "Maximum of entries; missing if age is the limit."),
        counter("evictions", "Entries evicted at the limit."),
    ),
    labels=("process", "table"),
    prefix="table_",
)
"""Source: main thread of ingest, laurel_mp.pipeline.status.run_statistics; each process publishes
its own tables on the scoreboard (laurel_mp.pipeline.counters.fill_levels)."""

GROUPS = (PROGRAM, LEDGER, INPUT, LOSSES, QUEUES, PROCESSES, TABLES)
"""All groups, in display order."""

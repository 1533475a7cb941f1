"""All that laurel-mp counts and measures about itself.

The status page, `laurel-mp status` and `top`, metrics and docs/status.md have what is declared
here, and nothing else. Who contributes the values is said beside each group.
"""

from __future__ import annotations

from laurel_mp.observe.measures import Group, counter, gauge, text

PROGRAM = Group(
    "program",
    "The daemon.",
    (
        text("version", "The version that runs.", metric="build_info"),
        text("marker", "What `marker` says in the configuration."),
        gauge("start_time", "When it started, in seconds since 1970.", "seconds"),
        gauge("workers", "How many worker processes it has; 0 if it does all in one process."),
        counter("reloads", "How often the configuration was read again and put in force."),
        counter(
            "recoveries",
            "How often all processes were started anew because one had died, failed or hung.",
            in_report=True,
        ),
        counter("cpu_user", "CPU time of the code of all processes that handle input.", "seconds"),
        counter("cpu_system", "CPU time that the kernel has spent for these.", "seconds"),
        counter("checkpoints", "How often all processes have told what they know."),
        counter(
            "lines_set_aside",
            "Lines that were taken out because processes died over them again and again.",
            in_report=True,
        ),
    ),
)
"""By the main thread of ingest: laurel_mp.pipeline.daemon.plugin."""

LEDGER = Group(
    "ledger",
    "What became of the input. Every line ends in one way: it is part of an event or of a filtered "
    "event, ends one, is a duplicate, malformed, or in flight.",
    (
        counter("lines", "Lines of input that were taken."),
        counter("event_lines", "Lines that are part of events that were given out."),
        counter("filtered_lines", "Lines of events that a filter took out."),
        counter("end_of_event_lines", "EOE records: they end an event and are no part of it."),
        counter("duplicate_lines", "Lines of events that had been completed before, dropped."),
        counter("malformed_lines", "Lines without a valid header, too long, or set aside."),
        gauge("lines_in_flight", "Lines of events that are not complete."),
        counter("events", "Events that were completed."),
        counter("written_events", "Events that were given to the main output."),
        counter("filtered_events", "Events that a filter took out."),
        counter("incomplete_events", "Events with an INCOMPLETE mark."),
        counter("timed_out_events", "Events that were over because nothing more of them came."),
        counter("cut_events", "Events that met a limit of size."),
        counter(
            "late_events",
            "Incomplete events of which a part had been given out before.",
        ),
        counter("events_without_end", "Incomplete events whose EOE record did not come."),
        counter("events_without_path", "Incomplete events that lack PATH records."),
        counter("events_without_argument", "Incomplete events that lack arguments of a command."),
        counter("events_of_only_an_end", "EOE records of events of which nothing else came."),
        counter("loss_lines", "Lines in the main output that say that events are missing."),
    ),
)
"""By the main thread of ingest, from the ledger."""

INPUT = Group(
    "input",
    "Input on its way in.",
    (
        counter("read", "Input that was read.", "bytes"),
        gauge("memory", "Input in memory that was not taken yet.", "bytes"),
        gauge("memory_limit", "When so much waits in memory, nothing is read.", "bytes"),
        gauge("spool", "Input in the spool on disk that was not taken yet.", "bytes"),
        gauge("spool_limit", "How much the spool may hold; 0 if there is none.", "bytes"),
        counter("spooled", "Input that went through the spool.", "bytes"),
        counter(
            "stopped",
            "How long nothing was read because there was no room: auditd had to wait.",
            "seconds",
        ),
        gauge("window", "Input that was handed over and that no checkpoint covers yet.", "bytes"),
        gauge("window_limit", "How large that may become.", "bytes"),
        gauge("under_way", "Input that was handed over and is not written.", "bytes"),
        gauge("under_way_limit", "When so much is under way, nothing is handed over.", "bytes"),
        gauge("lag", "How long ago the oldest input came that is not written.", "seconds"),
        gauge("output_waits", "1 while an output takes nothing, otherwise 0."),
        text("output_waits_for", "Why an output takes nothing."),
    ),
    prefix="input_",
)
"""By the main thread of ingest, from the backlog and the pipeline."""

LOSSES = Group(
    "losses",
    "What is missing, for each host; the host's name is empty for lines without one.",
    (
        counter(
            "missing_events",
            "Events whose serial never came.",
            in_report=True,
        ),
        counter("gaps", "Runs of serials that never came."),
        counter("late_events", "Of the missing events, those that came after all, too late."),
    ),
    labels=("node",),
    prefix="losses_",
)
"""By the main thread of ingest: laurel_mp.pipeline.daemon.loss_report."""

QUEUES = Group(
    "queues",
    "What is lost before it gets a serial, or behind it: by the queues in front of us.",
    (
        counter(
            "kernel_dropped_records",
            "Records that the kernel has dropped, by its own count (`[loss] kernel`).",
            in_report=True,
        ),
        gauge("kernel_backlog_records", "Records that wait in the kernel."),
        gauge("kernel_backlog_limit_records", "How many can wait there."),
        counter(
            "auditd_overflows",
            "How often auditd was seen to say that its queue to the plugins was full.",
            in_report=True,
        ),
    ),
    prefix="queues_",
)
"""By the main thread of ingest: laurel_mp.pipeline.daemon.upstream_losses."""

PROCESSES = Group(
    "processes",
    "Each process, but for those that look up names and programs of outputs. What it has done "
    "counts again when it is done again after a recovery.",
    (
        gauge("pid", "Its process id."),
        counter("events", "Events that it has decoded, or written; calls that it has answered."),
        counter("lines", "Lines that it has handed over, or decoded."),
        counter("batches", "Batches that it has done."),
        counter("written", "What it has given to the outputs.", "bytes"),
        counter("cpu_user", "CPU time of its own code.", "seconds"),
        counter("cpu_system", "CPU time that the kernel has spent for it.", "seconds"),
        gauge("memory", "Memory in use (RSS), with what it shares with other processes.", "bytes"),
        gauge("queue_batches", "Batches, or reads, that wait for it, or that it has in hand."),
        gauge("queue", "Input in those.", "bytes"),
        gauge("lag", "How long ago the oldest input came that waits for it.", "seconds"),
        counter("restarts", "How often it was started again, for whatever reason."),
        counter("failures", "How often it was to blame for that.", in_report=True),
        counter("lookups", "How often it has looked at a process in /proc."),
        counter("lookups_gone", "How often that process was not there any more."),
        counter("names_asked", "How often it has asked for names of users or groups."),
        counter("names_unanswered", "How often there was no answer in time."),
        counter("messages_lost", "Messages for the log that found no room there.", in_report=True),
    ),
    labels=("process",),
    prefix="process_",
)
"""By the main thread of ingest; what other processes count, they note on the board."""

TABLES = Group(
    "tables",
    "What processes remember, each up to a limit.",
    (
        gauge("entries", "How many there are; bytes, for those whose name ends so."),
        gauge("limit", "How many there can be; left out where time is the limit."),
        counter("evictions", "How often the limit was met and something was forgotten."),
    ),
    labels=("process", "table"),
    prefix="table_",
)
"""By the main thread of ingest; each process notes its own on the board."""

GROUPS = (PROGRAM, LEDGER, INPUT, LOSSES, QUEUES, PROCESSES, TABLES)
"""In the order in which they are shown."""

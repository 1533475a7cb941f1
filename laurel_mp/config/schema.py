"""The schema: one dataclass for each section, each setting declared once.

Names, types and defaults are LAUREL's wherever LAUREL has the option; ``[pipeline]`` is ours.
"""

# ruff: noqa: RUF009 - `section`, as `setting`, returns a dataclass field, no shared default

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from laurel_mp.config import kinds, sink_kinds
from laurel_mp.config.settings import section, setting

_KIB = 1024
_MIB = 1024 * _KIB
_GIB = 1024 * _MIB

_FORMS = sink_kinds.in_words("`")


@dataclass(frozen=True, slots=True)
class LogFile:
    """An output and its rotation; ``file`` is empty if it was not configured."""

    file: str = setting(
        "",
        kinds.OUTPUT,
        f"Target: {_FORMS}. File names start at `directory`.",
        required=True,
        sample="some.log",
    )
    size: int = setting(
        10 * _MIB,
        kinds.whole(0),
        "Rotate a file before it grows beyond this size; 0 for never.",
        unit="bytes",
    )
    generations: int = setting(5, kinds.whole(0, 10_000), "Number of rotated files to keep.")
    read_users: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Users who may read the files, by POSIX ACL.",
        sample=["splunk"],
    )
    read_groups: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Groups whose members may read the files, by POSIX ACL.",
        aliases=("read-group",),
        sample=["adm"],
    )
    read_other: bool = setting(False, kinds.FLAG, "Let every user read the files.")
    line_prefix: str = setting(
        "",
        kinds.PRINTABLE,
        "Text that is put before every line.",
        sample="@cee: ",
    )


@dataclass(frozen=True, slots=True)
class AuditLog(LogFile):
    """The main output."""

    file: str = setting(
        "audit.log",
        kinds.OUTPUT,
        f"Target of events: {_FORMS}. File names start at `directory`; `-` is standard output.",
    )


@dataclass(frozen=True, slots=True)
class FilterLog(LogFile):
    """The output for filtered events."""

    file: str = setting(
        "",
        kinds.OUTPUT,
        'Where filtered events go if `filter-action = "log"`; forms as in `[auditlog]`.',
        sample="filtered.log",
    )


@dataclass(frozen=True, slots=True)
class ParseErrorLog(LogFile):
    """The output for malformed input lines."""

    file: str = setting(
        "",
        kinds.OUTPUT,
        "Target of malformed input lines; forms as in `[auditlog]`.",
        required=True,
        sample="parse-error.log",
    )


@dataclass(frozen=True, slots=True)
class State:
    """The state file."""

    file: str = setting(
        "state",
        kinds.STATE_FILE,
        "File below `directory` that saves processes and events in flight for a restart.",
    )
    max_age: int = setting(
        60,
        kinds.whole(0),
        "An older state file is ignored.",
        unit="seconds",
    )
    write_state_period: int = setting(
        0,
        kinds.whole(0),
        "Interval of writing the file; 0 for at the end only.",
        unit="seconds",
    )
    generations: int = setting(0, kinds.whole(0, 10_000), "Number of former state files to keep.")


@dataclass(frozen=True, slots=True)
class Debug:
    """Diagnosis."""

    inputlog: LogFile | None = section(LogFile, "A copy of the input.", optional=True)
    parse_error_log: ParseErrorLog | None = section(
        ParseErrorLog, "Malformed input lines.", optional=True
    )
    log: LogFile | None = section(LogFile, "The daemon's own messages.", optional=True)
    dump_state_period: int = setting(
        0,
        kinds.whole(0),
        "Interval of writing the process table to `[debug.log]`; 0 for never.",
        unit="seconds",
    )


@dataclass(frozen=True, slots=True)
class Transform:
    """Format of events."""

    execve_argv: tuple[str, ...] = setting(
        ("array",),
        kinds.ARGV_FORMS,
        "Command lines as a list `ARGV` (`array`), as one text `ARGV_STR` (`string`), or both.",
    )
    execve_argv_limit_bytes: int | None = setting(
        None,
        kinds.whole(1),
        "Longer command lines are cut in the middle; no limit if not set.",
        unit="bytes",
        sample=10000,
    )
    record_types: bool = setting(
        False,
        kinds.FLAG,
        "Add `RECORD_TYPES`, the list of the record types in the event.",
    )


@dataclass(frozen=True, slots=True)
class Translate:
    """Numbers into names."""

    universal: bool = setting(
        False,
        kinds.FLAG,
        "Name architectures, system calls and io_uring operations; decode socket addresses.",
    )
    interpret: bool = setting(
        False,
        kinds.FLAG,
        "Name errors, signals, modes, capabilities, and the arguments of system calls, as "
        "`ausearch -i` does. Takes the slow path for system calls.",
    )
    user_db: bool = setting(False, kinds.FLAG, "Name users and groups.", aliases=("userdb",))
    drop_raw: bool = setting(False, kinds.FLAG, "Remove the number if there is a name.")


@dataclass(frozen=True, slots=True)
class Enrich:
    """Context that is added to events."""

    parent_info: bool = setting(
        True,
        kinds.FLAG,
        "Add `PARENT_INFO`: the program of the parent process, and the event that started it.",
        aliases=("parent_info",),
    )
    pid: bool = setting(True, kinds.FLAG, "Add context to process ids: `PID`, `PPID`, `OPID`.")
    ppid_verbose: bool = setting(False, kinds.FLAG, "Add program and parent to `PPID`.")
    spawned_by: bool = setting(
        True,
        kinds.FLAG,
        "Add `SPAWNED_BY`: the former program of the process, or else its parent.",
    )
    script: bool = setting(True, kinds.FLAG, "Add `SCRIPT`: the script that an exec started.")
    user_groups: bool = setting(
        True,
        kinds.FLAG,
        "Add `UID_GROUPS`: the groups of the user.",
        aliases=("uid-groups",),
    )
    container: bool = setting(True, kinds.FLAG, "Add the container id to `PID`.")
    container_info: bool = setting(
        False,
        kinds.FLAG,
        "Add the container id as `CONTAINER_INFO` (deprecated).",
        name="container_info",
        aliases=("container-info",),
    )
    systemd: bool = setting(True, kinds.FLAG, "Add the systemd services to `PID`.")
    argv: bool = setting(
        False,
        kinds.FLAG,
        "Add the command line of the process to `PID`, on every event.",
    )
    execve_env: tuple[str, ...] = setting(
        ("LD_PRELOAD", "LD_LIBRARY_PATH"),
        kinds.NAMES,
        "Environment variables to show with an exec; `NAME*` for all with that beginning.",
    )
    exe_hash: bool = setting(False, kinds.FLAG, "Add `EXE_HASH`: SHA-256 of the executable.")
    exe_hash_size_limit: int = setting(
        10_000_000,
        kinds.whole(0),
        "Larger executables are not hashed.",
        unit="bytes",
    )
    exe_hash_cache_entries: int = setting(
        1024, kinds.whole(0, 1_000_000), "Number of hashes to cache."
    )
    prefix: str | None = setting(
        None,
        kinds.KEY_PREFIX,
        "Prefix of added keys, instead of upper case.",
        sample="enriched_",
    )


@dataclass(frozen=True, slots=True)
class LabelProcess:
    """Labels on processes."""

    label_keys: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Keys of audit rules that become labels.",
        sample=["software_mgmt"],
    )
    label_exe: Mapping[str, str] = setting(
        {},
        kinds.RULES,
        "Labels for programs, by a regular expression on the executable.",
        sample={"^/usr/lib/jvm/.*/bin/java$": "java"},
    )
    unlabel_exe: Mapping[str, str] = setting(
        {},
        kinds.RULES,
        "The same, to remove a label.",
        sample={"/bin/php$": "java"},
    )
    label_argv: Mapping[str, str] = setting(
        {},
        kinds.RULES,
        "Labels for command lines.",
        sample={"^python3? .*manage[.]py": "django"},
    )
    unlabel_argv: Mapping[str, str] = setting(
        {},
        kinds.RULES,
        "The same, to remove a label.",
        sample={"--no-label": "django"},
    )
    label_script: Mapping[str, str] = setting(
        {},
        kinds.RULES,
        "Labels for scripts, by a regular expression on their path.",
        sample={"^/root/maint-.*[.]sh$": "maint"},
    )
    unlabel_script: Mapping[str, str] = setting(
        {},
        kinds.RULES,
        "The same, to remove a label.",
        sample={"^/root/maint-test[.]sh$": "maint"},
    )
    label_argv_count: int = setting(
        32, kinds.whole(1, 65536), "Number of arguments that are matched."
    )
    label_argv_bytes: int = setting(
        4096,
        kinds.whole(1, _MIB),
        "Length of the command line that is matched.",
        unit="bytes",
    )
    propagate_labels: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Labels that pass from a process to its children.",
        sample=["software_mgmt"],
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Filters: events that are left out of the output."""

    filter_keys: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Filter events by the key of an audit rule.",
        sample=["noise"],
        looks_at="keys",
    )
    filter_null_keys: bool = setting(
        False,
        kinds.FLAG,
        "Filter events without a key.",
        looks_at="keys",
    )
    filter_labels: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Filter events of processes with a label.",
        sample=["software_mgmt"],
        looks_at="labels",
    )
    filter_raw_lines: tuple[str, ...] = setting(
        (),
        kinds.PATTERNS,
        "Filter events by a regular expression on any of their input lines.",
        sample=["^type=PROCTITLE .*proctitle=64617465$"],
        looks_at="lines",
    )
    filter_sockaddr: tuple[str, ...] = setting(
        (),
        kinds.SOCKETS,
        "Filter events by network, port, or both, of a socket address.",
        sample=["127.0.0.0/8", "[::1]:443", "*:111"],
        looks_at="addresses",
    )
    filter_systemd_services: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Filter events of systemd services.",
        sample=["backup.service"],
        looks_at="services",
    )
    filter_exe: tuple[str, ...] = setting(
        (),
        kinds.PATTERNS,
        "Filter events by a regular expression on the executable.",
        sample=["^/opt/backup/"],
        looks_at="programs",
    )
    filter_users: tuple[str, ...] = setting(
        (),
        kinds.USERS,
        "Filter events of users, by name or id.",
        sample=["backup", 1001],
        looks_at="users",
    )
    filter_action: Literal["drop", "log"] = setting(
        "drop",
        kinds.choice("drop", "log"),
        "Drop filtered events, or write them to `[filterlog]`.",
    )
    keep_first_per_process: bool = setting(
        True,
        kinds.FLAG,
        "Keep the first event of a process in the main output although a key or label filters it.",
    )


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Processes and limits of the pipeline."""

    workers: int | Literal["auto"] = setting(
        "auto",
        kinds.WORKERS,
        "Number of worker processes; 0 for a single process, `auto` for a number by CPUs.",
    )
    linger_ms: int = setting(
        150,
        kinds.whole(0, 1000),
        "Wait for more input before a small batch is handed over. A shorter wait finds more "
        "short-lived processes in `/proc`; a longer one saves CPU time.",
        unit="milliseconds",
    )
    window_bytes: int = setting(
        16 * _MIB,
        kinds.whole(64 * _KIB, 4 * _GIB),
        "Input that may be unacknowledged. Offline commands keep four times as much.",
        unit="bytes",
    )
    batch_bytes: int = setting(
        1 * _MIB,
        kinds.whole(1, 64 * _MIB),
        "Largest batch of input.",
        unit="bytes",
    )
    max_line_bytes: int = setting(
        4 * _MIB,
        kinds.whole(1 * _KIB, 1 * _GIB),
        "Longer lines are malformed.",
        unit="bytes",
    )
    max_event_bytes: int = setting(
        16 * _MIB,
        kinds.whole(1 * _KIB, 1 * _GIB),
        "Larger events are cut, and marked.",
        unit="bytes",
    )
    end_of_event_timeout: float = setting(
        2.0,
        kinds.seconds(0.01, 600),
        "An incomplete event is written after this time without a further record.",
        unit="seconds",
    )
    duplicate_window: float = setting(
        120.0,
        kinds.seconds(0, 3600),
        "Records of a completed event count as duplicates for this time.",
        unit="seconds",
    )
    spool: str = setting(
        "spool",
        kinds.STATE_FILE,
        "Directory below `directory` for input that waits for a slow output; empty for none.",
    )
    spool_bytes: int = setting(
        1 * _GIB,
        kinds.whole(1 * _MIB),
        "Largest size of the spool. When it is full, too, reading stops.",
        unit="bytes",
    )
    fsync: Literal["checkpoint", "rotation", "never"] = setting(
        "checkpoint",
        kinds.choice("checkpoint", "rotation", "never"),
        "Sync files to the disk: at checkpoints (every 2 to 10 seconds while there is "
        "input), when they are rotated, or never.",
    )
    hang_timeout: float = setting(
        10.0,
        kinds.seconds(0.1, 3600),
        "All processes are restarted if they make no progress for this time although there "
        "is work.",
        unit="seconds",
    )
    stop_timeout: float = setting(
        5.0,
        kinds.seconds(0, 600),
        "Time to drain the input after SIGTERM. Unwritten events are then saved on disk.",
        unit="seconds",
    )


@dataclass(frozen=True, slots=True)
class Status:
    """The socket that answers questions about the daemon's status."""

    socket: str = setting(
        "status.sock",
        kinds.STATE_FILE,
        "Socket below `directory` for `laurel-mp status` and `top`; empty for none. Only "
        "root and the user that laurel-mp runs as can connect.",
    )


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers for Prometheus."""

    file: str = setting(
        "",
        kinds.STATE_FILE,
        "File for the textfile collector of node_exporter; empty for none.",
        sample="/var/lib/prometheus/node-exporter/laurel-mp.prom",
    )
    file_mode: str = setting(
        "0644",
        kinds.MODE,
        "Mode of that file. Users who may read it may connect to a `unix:` socket, too.",
    )
    period: float = setting(
        15.0,
        kinds.seconds(1, 86400),
        "Interval of writing the file.",
        unit="seconds",
    )
    listen: str = setting(
        "",
        kinds.ENDPOINT,
        "Address of an HTTP server with metrics at `/metrics`; empty for none.",
        sample="127.0.0.1:9778",
    )
    allow_remote: bool = setting(
        False,
        kinds.FLAG,
        "Allow `listen` to be an address that other hosts can reach. There is neither "
        "encryption nor a password.",
    )


@dataclass(frozen=True, slots=True)
class Loss:
    """Detection and reports of missing events."""

    records: Literal["live", "always", "never"] = setting(
        "live",
        kinds.choice("live", "always", "never"),
        "Loss lines in the main output: of the plugin only (live), of `laurel-mp convert`, "
        "too (always), or none (never).",
    )
    interval: float = setting(
        10.0,
        kinds.seconds(0, 86_400),
        "Time with at most one loss line about one host.",
        unit="seconds",
    )
    window: float = setting(
        5.0,
        kinds.seconds(0, 600),
        "Wait for an event whose serial is missing.",
        unit="seconds",
    )
    auditd_state: bool = setting(
        True,
        kinds.FLAG,
        "Read from auditd's state file that its queue was full. auditd writes the file on "
        "request: `auditctl --signal state`.",
    )
    kernel: bool = setting(
        False,
        kinds.FLAG,
        "Read the kernel's count of lost records, too. A separate process does that with "
        "CAP_AUDIT_CONTROL, which also allows switching auditing off.",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration: the main section, and one attribute for each other section."""

    user: str | None = setting(
        None,
        kinds.TEXT,
        "Run as this user when started by root.",
        sample="_laurel",
    )
    directory: str = setting(
        ".",
        kinds.DIRECTORY,
        "Base of relative file names.",
        sample="/var/log/laurel-mp",
        shown=True,
    )
    input: str = setting(
        "stdin",
        kinds.INPUT,
        "Source of audit records: `stdin` or `unix:/path`.",
    )
    statusreport_period: int = setting(
        0,
        kinds.whole(0),
        "Interval of status reports in the log; 0 for none.",
        unit="seconds",
    )
    marker: str | None = setting(
        None,
        kinds.PRINTABLE,
        "Text that the log shows at start and in status reports.",
        sample="web-frontends",
    )
    auditlog: AuditLog = section(AuditLog, "The main output.")
    filterlog: FilterLog = section(FilterLog, "The output for filtered events.")
    state: State = section(State, "State that survives a restart.")
    debug: Debug = section(Debug, "Diagnosis.")
    transform: Transform = section(Transform, "Format of events.")
    translate: Translate = section(Translate, "Names for numbers, as in auditd's ENRICHED format.")
    enrich: Enrich = section(Enrich, "Context that is added to events.")
    label_process: LabelProcess = section(
        LabelProcess, "Labels of processes, shown in their events."
    )
    filter: Filter = section(
        Filter, "Events that do not go to the main output. They still update the process table."
    )
    pipeline: Pipeline = section(Pipeline, "Processes and their limits; not in LAUREL.")
    status: Status = section(Status, "Status socket; not in LAUREL.")
    metrics: Metrics = section(Metrics, "Metrics for Prometheus; not in LAUREL.")
    loss: Loss = section(Loss, "Reports of upstream losses; not in LAUREL.")

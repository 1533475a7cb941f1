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
        f"Where to write: {_FORMS}. File names start at `directory`.",
        required=True,
        sample="some.log",
    )
    size: int = setting(
        10 * _MIB,
        kinds.whole(0),
        "Rotate a file before it grows beyond this size; 0 for never.",
        unit="bytes",
    )
    generations: int = setting(5, kinds.whole(0, 10_000), "How many rotated files are kept.")
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
        f"Where events go: {_FORMS}. File names start at `directory`; `-` is standard output.",
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
        "Where malformed input lines are kept; forms as in `[auditlog]`.",
        required=True,
        sample="parse-error.log",
    )


@dataclass(frozen=True, slots=True)
class State:
    """The state file."""

    file: str = setting(
        "state",
        kinds.STATE_FILE,
        "File below `directory` that carries processes and open events over a restart.",
    )
    max_age: int = setting(
        60,
        kinds.whole(0),
        "A state file that is older is not used.",
        unit="seconds",
    )
    write_state_period: int = setting(
        0,
        kinds.whole(0),
        "How often the file is written; 0 for at the end only.",
        unit="seconds",
    )
    generations: int = setting(0, kinds.whole(0, 10_000), "How many former state files are kept.")


@dataclass(frozen=True, slots=True)
class Debug:
    """Aids for finding faults."""

    inputlog: LogFile | None = section(LogFile, "A copy of the input.", optional=True)
    parse_error_log: ParseErrorLog | None = section(
        ParseErrorLog, "Malformed input lines.", optional=True
    )
    log: LogFile | None = section(LogFile, "The daemon's own messages.", optional=True)
    dump_state_period: int = setting(
        0,
        kinds.whole(0),
        "How often the process table is written to `[debug.log]`; 0 for never.",
        unit="seconds",
    )


@dataclass(frozen=True, slots=True)
class Transform:
    """The shape of events."""

    execve_argv: tuple[str, ...] = setting(
        ("array",),
        kinds.ARGV_FORMS,
        "Command lines as a list `ARGV` (`array`), as one text `ARGV_STR` (`string`), or both.",
    )
    execve_argv_limit_bytes: int | None = setting(
        None,
        kinds.whole(1),
        "Longer command lines are cut in the middle; unlimited if not set.",
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
    user_db: bool = setting(False, kinds.FLAG, "Name users and groups.", aliases=("userdb",))
    drop_raw: bool = setting(False, kinds.FLAG, "Leave out the number where there is a name.")


@dataclass(frozen=True, slots=True)
class Enrich:
    """Context that is added to events."""

    parent_info: bool = setting(
        True,
        kinds.FLAG,
        "Add `PARENT_INFO`: what the parent process runs, and the event of its start.",
        aliases=("parent_info",),
    )
    pid: bool = setting(True, kinds.FLAG, "Add context to process ids: `PID`, `PPID`, `OPID`.")
    ppid_verbose: bool = setting(False, kinds.FLAG, "Add program and parent to `PPID`.")
    spawned_by: bool = setting(
        True,
        kinds.FLAG,
        "Add `SPAWNED_BY`: what the process ran before, or else its parent.",
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
        "Environment variables to show with an exec; `NAME*` for all that start so.",
    )
    exe_hash: bool = setting(False, kinds.FLAG, "Add `EXE_HASH`: SHA-256 of the executable.")
    exe_hash_size_limit: int = setting(
        10_000_000,
        kinds.whole(0),
        "Larger executables are not hashed.",
        unit="bytes",
    )
    exe_hash_cache_entries: int = setting(
        1024, kinds.whole(0, 1_000_000), "How many hashes are remembered."
    )
    prefix: str | None = setting(
        None,
        kinds.KEY_PREFIX,
        "Put before each key that is added, instead of writing the key in upper case.",
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
        "The same, to take a label away.",
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
        "The same, to take a label away.",
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
        "The same, to take a label away.",
        sample={"^/root/maint-test[.]sh$": "maint"},
    )
    label_argv_count: int = setting(
        32, kinds.whole(1, 65536), "How many arguments the expressions see."
    )
    label_argv_bytes: int = setting(
        4096,
        kinds.whole(1, _MIB),
        "How much of a command line the expressions see.",
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
    """Which events are left out."""

    filter_keys: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Filter events by the key of an audit rule.",
        sample=["noise"],
    )
    filter_null_keys: bool = setting(False, kinds.FLAG, "Filter events without a key.")
    filter_labels: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Filter events of processes with a label.",
        sample=["software_mgmt"],
    )
    filter_raw_lines: tuple[str, ...] = setting(
        (),
        kinds.PATTERNS,
        "Filter events by a regular expression on any of their input lines.",
        sample=["^type=PROCTITLE .*proctitle=64617465$"],
    )
    filter_sockaddr: tuple[str, ...] = setting(
        (),
        kinds.SOCKETS,
        "Filter events by network, port, or both, of a socket address.",
        sample=["127.0.0.0/8", "[::1]:443", "*:111"],
    )
    filter_systemd_services: tuple[str, ...] = setting(
        (),
        kinds.NAMES,
        "Filter events of systemd services.",
        sample=["backup.service"],
    )
    filter_exe: tuple[str, ...] = setting(
        (),
        kinds.PATTERNS,
        "Filter events by a regular expression on the executable.",
        sample=["^/opt/backup/"],
    )
    filter_users: tuple[str, ...] = setting(
        (),
        kinds.USERS,
        "Filter events of users, by name or id.",
        sample=["backup", 1001],
    )
    filter_action: Literal["drop", "log"] = setting(
        "drop",
        kinds.choice("drop", "log"),
        "What becomes of filtered events; see `[filterlog]`.",
    )
    keep_first_per_process: bool = setting(
        True,
        kinds.FLAG,
        "Keep the first event of a process although its key or label says filter.",
    )


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How the work is spread, and its limits."""

    workers: int | Literal["auto"] = setting(
        "auto",
        kinds.WORKERS,
        "Number of worker processes; 0 does everything in one process, `auto` asks the CPUs.",
    )
    linger_ms: int = setting(
        150,
        kinds.whole(0, 1000),
        "How long input is collected before it is handed over, while there is little of it. Less "
        "shows more of what `/proc` says of processes that end at once; more saves CPU time.",
        unit="milliseconds",
    )
    window_bytes: int = setting(
        16 * _MIB,
        kinds.whole(64 * _KIB, 4 * _GIB),
        "How much input may be on its way to the output at a time. Offline commands keep four "
        "times as much.",
        unit="bytes",
    )
    batch_bytes: int = setting(
        1 * _MIB,
        kinds.whole(1, 64 * _MIB),
        "How much input is handed over at once.",
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
        "Larger events are cut, and say so.",
        unit="bytes",
    )
    end_of_event_timeout: float = setting(
        2.0,
        kinds.seconds(0.01, 600),
        "An event is over when nothing of it has arrived for so long.",
        unit="seconds",
    )
    duplicate_window: float = setting(
        120.0,
        kinds.seconds(0, 3600),
        "Records of an event that was completed are duplicates for so long.",
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
        "How much input may wait there. When it is full too, nothing more is read.",
        unit="bytes",
    )
    fsync: Literal["checkpoint", "rotation", "never"] = setting(
        "checkpoint",
        kinds.choice("checkpoint", "rotation", "never"),
        "When files are brought to the disk: at checkpoints, that is every 2 to 10 seconds while "
        "there is input, when they are full, or never.",
    )
    hang_timeout: float = setting(
        10.0,
        kinds.seconds(0.1, 3600),
        "Processes that have made no progress for so long, with work to do, are started anew.",
        unit="seconds",
    )
    stop_timeout: float = setting(
        5.0,
        kinds.seconds(0, 600),
        "How long input is read on after SIGTERM; what is not written then is kept on disk.",
        unit="seconds",
    )


@dataclass(frozen=True, slots=True)
class Status:
    """Who asks how it goes."""

    socket: str = setting(
        "status.sock",
        kinds.STATE_FILE,
        "Socket below `directory` where `laurel-mp status` and `top` ask; empty for none. Only "
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
        "The mode of that file. Who may read it may connect to a `unix:` socket, too.",
    )
    period: float = setting(
        15.0,
        kinds.seconds(1, 86400),
        "How often the file is written.",
        unit="seconds",
    )
    listen: str = setting(
        "",
        kinds.ENDPOINT,
        "Where metrics are served by HTTP, at `/metrics`; empty for nowhere.",
        sample="127.0.0.1:9778",
    )
    allow_remote: bool = setting(
        False,
        kinds.FLAG,
        "Let `listen` be an address that other hosts reach: there is neither encryption nor a "
        "password.",
    )


@dataclass(frozen=True, slots=True)
class Loss:
    """What is done about events that are missing."""

    records: Literal["live", "always", "never"] = setting(
        "live",
        kinds.choice("live", "always", "never"),
        "Whether the main output has lines that say what is missing: as a plugin only (live), "
        "`laurel-mp convert` too (always), or none (never).",
    )
    interval: float = setting(
        10.0,
        kinds.seconds(0, 86_400),
        "How long there is at most one such line about one host.",
        unit="seconds",
    )
    window: float = setting(
        5.0,
        kinds.seconds(0, 600),
        "How long an event is waited for whose serial is missing.",
        unit="seconds",
    )
    auditd_state: bool = setting(
        True,
        kinds.FLAG,
        "Look whether auditd's state file says that its queue was full. auditd writes it when it "
        "is told to: `auditctl --signal state`.",
    )
    kernel: bool = setting(
        False,
        kinds.FLAG,
        "Read the kernel's count of lost records, too. A process of its own does that; it keeps "
        "CAP_AUDIT_CONTROL, with which auditing could also be switched off.",
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
        "Where relative file names start.",
        sample="/var/log/laurel-mp",
        shown=True,
    )
    input: str = setting(
        "stdin",
        kinds.INPUT,
        "Where audit records come from: `stdin` or `unix:/path`.",
    )
    statusreport_period: int = setting(
        0,
        kinds.whole(0),
        "How often the log gets a status report; 0 for never.",
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
    state: State = section(State, "What a restart goes on with.")
    debug: Debug = section(Debug, "Aids for finding faults.")
    transform: Transform = section(Transform, "The shape of events.")
    translate: Translate = section(Translate, "Names for numbers, as auditd's ENRICHED format has.")
    enrich: Enrich = section(Enrich, "Context that is added to events.")
    label_process: LabelProcess = section(
        LabelProcess, "Labels that processes get, and that their events carry."
    )
    filter: Filter = section(
        Filter, "Which events are left out of the main output; they count for process context."
    )
    pipeline: Pipeline = section(Pipeline, "How the work is spread over processes; not in LAUREL.")
    status: Status = section(Status, "Who asks how it goes; not in LAUREL.")
    metrics: Metrics = section(Metrics, "Numbers for Prometheus; not in LAUREL.")
    loss: Loss = section(Loss, "What is said about events that are missing; not in LAUREL.")

"""Checks of auditd's own configuration."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, note, problem, warning
from laurel_mp.doctor.plugin_file import Version

Q_DEPTH = 20000
"""Records that auditd should be able to keep for its plugins: seconds of a busy build."""

_RELOAD = "pkill -HUP -x auditd"

_RESTART = "service auditd restart"


def _syntax(facts: Facts) -> Iterator[Result]:
    for file in {file.name: file for file in (facts.auditd_conf, facts.queue_conf)}.values():
        for line in file.faulty:
            yield problem(
                f"{file.name}:{line.number}",
                line.text,
                f"auditd cannot read this line ({line.reason}), and does not start with it.",
                f"correct line {line.number}: `name = value`, a blank on each side of the =",
            )


def _queue(facts: Facts) -> Iterator[Result]:
    file = facts.queue_conf
    default = _default_depth(facts.version)
    depth = file.number("q_depth", default)
    if depth < Q_DEPTH:
        yield warning(
            file.where("q_depth"),
            file.shown("q_depth", f"{default} holds"),
            f"auditd keeps {depth} records for its plugins. A build or a login storm makes more "
            "than that in a second; what does not fit is dropped, record by record, for all of "
            "them.",
            f"in {file.name}: q_depth = {Q_DEPTH}",
            _RELOAD,
        )


def _default_depth(version: Version) -> int:
    """What holds if the file does not say [init of daemon_conf in auditd-config.c, audispd]."""
    if version < (3,):
        return 80
    return 1200 if version < (3, 1) else 2000


_OVERFLOW = {
    "suspend": (problem, "auditd stops giving records to plugins, until somebody sends it SIGUSR2"),
    "single": (problem, "auditd takes the host to single user mode"),
    "halt": (problem, "auditd halts the host"),
    "ignore": (warning, "records are dropped, and nothing says so"),
}


def _overflow(facts: Facts) -> Iterator[Result]:
    file = facts.queue_conf
    action = file.get("overflow_action", "syslog")
    if action in _OVERFLOW:
        make, effect = _OVERFLOW[action]
        yield make(
            file.where("overflow_action"),
            file.shown("overflow_action"),
            f"When its queue for plugins is full, {effect}.",
            f"in {file.name}: overflow_action = syslog",
            _RELOAD,
        )


def _write_logs(facts: Facts) -> Iterator[Result]:
    file = facts.auditd_conf
    if file.get("write_logs", "yes") == "yes" and file.get("log_format") != "nolog":
        yield note(
            file.where("write_logs"),
            file.shown("write_logs", "yes holds"),
            "Each record is written twice: by auditd to its own log, and as JSON. That is disk "
            "space, and time of the process that all plugins wait for.",
            f"in {file.name}: write_logs = no   # if nobody reads audit.log",
            _RELOAD,
        )


def _cut_lines(facts: Facts) -> Iterator[Result]:
    file = facts.auditd_conf
    is_raw = file.get("log_format", "raw") == "raw"
    has_node = file.get("name_format", "none") != "none"
    if (4, 2) <= facts.version < (4, 2, 2) and is_raw and not has_node:
        yield problem(
            file.where("log_format"),
            f"auditd {facts.version_text} with {file.shown('log_format', 'RAW holds')} and "
            f"{file.shown('name_format', 'NONE holds')}",
            "This version cuts the last 16 bytes off each record for plugins: events have no end, "
            "and values are missing.",
            f"in {file.name}: log_format = ENRICHED   # or name_format = hostname, or auditd 4.2.2",
            _RELOAD,
        )


def _enriched(facts: Facts) -> Iterator[Result]:
    file = facts.auditd_conf
    translate = facts.config.translate
    if file.get("log_format") == "enriched" and translate.user_db and translate.universal:
        yield note(
            file.where("log_format"),
            f"{file.shown('log_format')}, and {facts.config_file.name} has user-db and universal "
            "on",
            "auditd adds names, and so does laurel-mp; for auditd that is half of its CPU time, "
            "and it waits for the directory service itself.",
            f"in {file.name}: log_format = RAW",
            _RELOAD,
        )


def _restarts(facts: Facts) -> Iterator[Result]:
    file = facts.queue_conf
    if file.number("max_restarts", 10) < 3:
        yield warning(
            file.where("max_restarts"),
            file.shown("max_restarts"),
            "auditd starts a plugin again only so often in its whole life; then events get lost "
            "until auditd is restarted.",
            f"in {file.name}: max_restarts = 10",
            _RELOAD,
        )


def _nodes(facts: Facts) -> Iterator[Result]:
    file = facts.auditd_conf
    listens = file.number("tcp_listen_port", 0) > 0
    distributes = file.get("distribute_network", "no") == "yes"
    names = facts.queue_conf if facts.has_audispd else file
    if listens and not distributes:
        yield note(
            file.where("tcp_listen_port"),
            f"{file.shown('tcp_listen_port')}, and {file.shown('distribute_network', 'no holds')}",
            "auditd takes records of other hosts, and does not give them to its plugins.",
            f"in {file.name}: distribute_network = yes   # if they are to become JSON, too",
            _RESTART,
        )
    elif distributes and names.get("name_format", "none") == "none":
        yield warning(
            names.where("name_format"),
            f"distribute_network = yes, and {names.shown('name_format', 'NONE holds')}",
            "Records of several hosts come in one stream, and those of this one do not say so: "
            "without `node=` nobody knows whose process 4711 is.",
            f"in {names.name}: name_format = hostname   # here, and on all hosts that send",
            _RESTART,
        )


def _local_events(facts: Facts) -> Iterator[Result]:
    file = facts.auditd_conf
    if file.get("local_events", "yes") == "no":
        yield warning(
            file.where("local_events"),
            file.shown("local_events"),
            "auditd does not read the records of this host's kernel, only those of other hosts.",
            f"in {file.name}: local_events = yes   # unless that is what you want",
            _RESTART,
        )


def _dispatcher(facts: Facts) -> Iterator[Result]:
    if not facts.has_audispd:
        return
    file = facts.auditd_conf
    if not file.get("dispatcher"):
        yield problem(
            file.where("dispatcher"),
            file.shown("dispatcher"),
            "auditd of audit 2 starts no plugins itself; without its dispatcher nobody does.",
            f"in {file.name}: dispatcher = /sbin/audispd",
            _RESTART,
        )
    elif file.get("disp_qos", "lossy") == "lossless":
        yield warning(
            file.where("disp_qos"),
            file.shown("disp_qos"),
            "auditd itself waits when the dispatcher does not keep up, and then the kernel's "
            "backlog fills.",
            f"in {file.name}: disp_qos = lossy",
            _RESTART,
        )


CHECKS = (
    Check("auditd-conf", "auditd can read each line of its configuration", _syntax),
    Check("auditd-queue", f"`q_depth` is {Q_DEPTH} at least", _queue),
    Check("auditd-overflow", "`overflow_action` is `syslog`", _overflow),
    Check("auditd-write-logs", "`write_logs` is `no`: one log of all is enough", _write_logs),
    Check(
        "auditd-cut-lines",
        "it is no version of auditd that cuts lines with `log_format = RAW`",
        _cut_lines,
    ),
    Check("auditd-enriched", "names are added by auditd or by laurel-mp, not by both", _enriched),
    Check("auditd-max-restarts", "`max_restarts` is 3 at least", _restarts),
    Check("auditd-nodes", "if other hosts send records, they come with `node=`", _nodes),
    Check("auditd-local-events", "`local_events` is not `no`", _local_events),
    Check(
        "auditd-dispatcher",
        "audit 2: there is a dispatcher, and auditd does not wait for it",
        _dispatcher,
    ),
)

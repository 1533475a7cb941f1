"""Checks of auditd's configuration."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, note, problem, warning
from laurel_mp.doctor.plugin_file import Version

Q_DEPTH = 20000
"""Recommended length of auditd's plugin queue: seconds of a busy build."""

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
            f"The plugin queue of auditd takes {depth} records. A build or a login storm makes "
            "more "
            "in a second; further records are dropped for all plugins.",
            f"in {file.name}: q_depth = {Q_DEPTH}",
            _RELOAD,
        )


def _default_depth(version: Version) -> int:
    """Returns the default of `q_depth` [init of daemon_conf in auditd-config.c, audispd]."""
    if version < (3,):
        return 80
    return 1200 if version < (3, 1) else 2000


_OVERFLOW = {
    "suspend": (problem, "auditd stops its plugin queue until it gets SIGUSR2"),
    "single": (problem, "auditd takes the host to single user mode"),
    "halt": (problem, "auditd halts the host"),
    "ignore": (warning, "records are dropped without a message"),
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
            "Each record is written twice: by auditd to its own log, and as JSON. This costs disk "
            "space, and time of auditd, which all plugins wait for.",
            f"in {file.name}: write_logs = no   # if audit.log is not needed",
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
            "auditd and laurel-mp both add names. For auditd this is half of its CPU time, and it "
            "blocks on the directory service.",
            f"in {file.name}: log_format = RAW",
            _RELOAD,
        )


def _restarts(facts: Facts) -> Iterator[Result]:
    file = facts.queue_conf
    if file.number("max_restarts", 10) < 3:
        yield warning(
            file.where("max_restarts"),
            file.shown("max_restarts"),
            "auditd restarts a plugin only so many times in total; then events are lost until "
            "auditd is restarted.",
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
            "auditd receives records of other hosts, but does not pass them to its plugins.",
            f"in {file.name}: distribute_network = yes   # if they are to become JSON, too",
            _RESTART,
        )
    elif distributes and names.get("name_format", "none") == "none":
        yield warning(
            names.where("name_format"),
            f"distribute_network = yes, and {names.shown('name_format', 'NONE holds')}",
            "Records of several hosts come in one stream, and those of this host have no name: "
            "without `node=`, processes of several hosts get mixed up.",
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
            "In audit 2 the dispatcher starts the plugins, not auditd.",
            f"in {file.name}: dispatcher = /sbin/audispd",
            _RESTART,
        )
    elif file.get("disp_qos", "lossy") == "lossless":
        yield warning(
            file.where("disp_qos"),
            file.shown("disp_qos"),
            "auditd blocks when the dispatcher does not keep up, and then the kernel's backlog "
            "fills.",
            f"in {file.name}: disp_qos = lossy",
            _RESTART,
        )


CHECKS = (
    Check("auditd-conf", "auditd can read each line of its configuration", _syntax),
    Check("auditd-queue", f"`q_depth` is {Q_DEPTH} at least", _queue),
    Check("auditd-overflow", "`overflow_action` is `syslog`", _overflow),
    Check("auditd-write-logs", "`write_logs` is `no`: one log is enough", _write_logs),
    Check(
        "auditd-cut-lines",
        "this version of auditd does not cut lines with `log_format = RAW`",
        _cut_lines,
    ),
    Check("auditd-enriched", "names are added by auditd or by laurel-mp, not by both", _enriched),
    Check("auditd-max-restarts", "`max_restarts` is 3 at least", _restarts),
    Check("auditd-nodes", "if other hosts send records, they come with `node=`", _nodes),
    Check("auditd-local-events", "`local_events` is not `no`", _local_events),
    Check(
        "auditd-dispatcher",
        "audit 2: there is a dispatcher, and auditd does not block on it",
        _dispatcher,
    ),
)

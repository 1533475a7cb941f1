"""Checks of running processes, and of events since auditd was started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, problem, warning
from laurel_mp.doctor.host import NotInstalledError
from laurel_mp.doctor.plugin_file import PROGRAM
from laurel_mp.doctor.untrusted_numbers import whole

_STATES = ("/run/audit/auditd.state", "/run/auditd.state", "/var/run/auditd.state")

_terminated = re.compile(r"plugin (\S+) terminated unexpectedly")
_exceeded = re.compile(r"plugin (\S+) has exceeded max_restarts")
_full = re.compile(r"queue (?:to plugins )?is full|suspending event p\w+ .*overflowing its queue")
_skipped = re.compile(r"Skipping (\S+) plugin due to errors")

_REVIVE = "service auditd restart   # SIGHUP does not start it again"


def _installed(facts: Facts) -> Iterator[Result]:
    try:
        facts.host.answer("auditctl", "-v")
    except NotInstalledError as error:
        yield problem(
            "auditctl",
            str(error),
            "laurel-mp reads what auditd gives it; without auditd there is nothing to read.",
            "apt-get install auditd   # or: dnf install audit",
        )


def _running(facts: Facts) -> Iterator[Result]:
    pid = facts.auditd_pid
    if not pid:
        yield problem(
            "auditctl -s",
            "no auditd process, neither by the kernel nor in /proc",
            "auditd does not run: records go to the kernel log only.",
            "service auditd start",
        )
        return
    if not any(facts.host.read(f"{run}/auditd.pid") for run in ("/run", "/var/run")):
        yield warning(
            "/run/auditd.pid",
            f"is not there, but auditd runs as process {pid}",
            "The service cannot be stopped or reloaded without it. A plugin that could not be "
            "started makes auditd before 4.2 remove it.",
            f"pidof auditd > /run/auditd.pid   # {pid}",
        )


def _plugin(facts: Facts) -> Iterator[Result]:
    if not facts.auditd_pid or not any(plugin.is_active for plugin in facts.ours):
        return
    starters = {process.pid for process in facts.processes if process.name == "audispd"}
    starters.add(facts.auditd_pid)
    if any(each.parent in starters and PROGRAM in each.title for each in facts.processes):
        return
    plugin = next(plugin for plugin in facts.ours if plugin.is_active)
    yield problem(
        plugin.where("path"),
        f"auditd (process {facts.auditd_pid}) has no child that is laurel-mp",
        "The plugin was never started, or it ended as often as max_restarts allows.",
        "laurel-mp -d -c FILE   # does it accept its configuration?",
        "grep -E 'auditd|laurel-mp' /var/log/syslog | tail   # or: journalctl -t auditd -t "
        "laurel-mp",
        _REVIVE,
    )


def _service(facts: Facts) -> Iterator[Result]:
    if not facts.socket or any(each.title.startswith(f"{PROGRAM}: ") for each in facts.processes):
        return
    yield problem(
        facts.config_file.name,
        f"input = 'unix:{facts.socket}', and no laurel-mp runs",
        "While no program is connected to the socket, auditd drops all records for it.",
        "systemctl enable --now laurel-mp",
        "journalctl -u laurel-mp   # if it does not stay",
    )


def _restarts(facts: Facts) -> Iterator[Result]:
    file = facts.queue_conf
    most = file.number("max_restarts", 10)
    for path in {plugin.value("path") for plugin in facts.ours if plugin.is_active}:
        said = [each for each in facts.messages if path in each.text]
        ended = [each for each in said if _terminated.search(each.text)]
        given_up = [each for each in said if _exceeded.search(each.text)]
        if given_up:
            yield problem(
                given_up[0].where,
                given_up[0].text,
                f"auditd has restarted it {most} times, and does not restart it any more: since "
                "then no "
                "event is written.",
                "find out why it ends: laurel-mp logs to the same log",
                _REVIVE,
            )
        elif ended:
            yield warning(
                ended[-1].where,
                f"{ended[-1].text} ({len(ended)} of {most})",
                f"Each time, records in transit are lost, and after {most} restarts auditd "
                "gives up.",
                "find out why it ends: laurel-mp logs to the same log",
                _REVIVE,
            )


def _refused(facts: Facts) -> Iterator[Result]:
    names = {PurePosixPath(plugin.name).name for plugin in facts.ours}
    paths = {plugin.name for plugin in facts.ours}
    for said in facts.messages:
        match = _skipped.search(said.text)
        if (match and match[1] in names) or any(path in said.text for path in paths):
            yield problem(
                said.where,
                said.text,
                "auditd rejected the plugin file of laurel-mp at its last start.",
                "correct the file",
                _REVIVE,
            )


def _overflowed(facts: Facts) -> Iterator[Result]:
    said = [each for each in facts.messages if _full.search(each.text)]
    if said:
        yield warning(
            said[-1].where,
            said[-1].text,
            "Records were dropped for all plugins. auditd logs this five times at most, so the "
            "number is unknown. Events are missing or incomplete.",
            "raise q_depth, and look for a slow plugin: see plugin-others",
        )


def _state(facts: Facts) -> Iterator[Result]:
    for name in _STATES:
        text = facts.host.text(name)
        if text is not None:
            break
    else:
        return
    values = dict(re.findall(r"^([^=\n]{1,80}) = ([^\n]{0,80})$", text, re.MULTILINE))
    when = values.get("current time", "at some time")
    if values.get("plugin queueing suspended") == "yes":
        yield problem(
            name,
            f"plugin queueing suspended = yes ({when})",
            "auditd passes no records to its plugins any more.",
            "pkill -USR2 -x auditd",
            "in auditd.conf: overflow_action = syslog",
        )
    if values.get("plugin queue overflow detected") == "yes":
        yield warning(
            name,
            f"plugin queue overflow detected = yes ({when})",
            "The queue for plugins was full, and records were dropped for all of them.",
            "raise q_depth, and look for a slow plugin",
        )
        return
    size = whole(values.get("plugin queue size", ""))
    used = whole(values.get("max plugin queue depth used", ""))
    if size and used * 10 > size * 8:
        yield warning(
            name,
            f"max plugin queue depth used = {used} of {size} ({when})",
            "The queue for plugins was nearly full: at the next burst records are dropped.",
            f"in auditd.conf: q_depth = {max(20000, 4 * size)}",
        )


CHECKS = (
    Check("auditd-installed", "auditd and auditctl are installed", _installed),
    Check("auditd-running", "auditd runs, and its pid file is there", _running),
    Check("plugin-running", "auditd has started laurel-mp", _plugin),
    Check("service-running", "if the input is a socket, laurel-mp runs", _service),
    Check(
        "plugin-restarts",
        "the plugin has not ended unexpectedly since auditd was started",
        _restarts,
    ),
    Check("plugin-refused", "auditd has not rejected the plugin file", _refused),
    Check("queue-overflow", "auditd has not dropped records for its plugins", _overflowed),
    Check("auditd-state", "auditd's state file reports no overflow, and no full queue", _state),
)

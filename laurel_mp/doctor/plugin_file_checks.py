"""Checks of auditd's plugin file for laurel-mp."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, problem, warning
from laurel_mp.doctor.host_user import mode
from laurel_mp.doctor.plugin_file import PROGRAM, Effect, Fault, PluginFile, is_loaded, longest_line

NO_GROUP_WRITE = (4, 2)
"""From this version on, auditd refuses files that their group can write."""


def reread(facts: Facts) -> str:
    """Returns the command that makes auditd apply a changed plugin file."""
    if facts.version >= (4, 2):
        return "pkill -HUP -x auditd"
    return "service auditd restart   # before 4.2, SIGHUP is not enough for a changed file"


def _present(facts: Facts) -> Iterator[Result]:
    if facts.ours or _socket_plugin(facts):
        return
    where = facts.plugin_dir
    yield problem(
        where,
        _leftovers(facts) or "no plugin file here starts laurel-mp",
        "auditd starts only plugins with such a file: no event reaches laurel-mp.",
        "sh deploy/install.sh",
    )


def _socket_plugin(facts: Facts) -> PluginFile | None:
    """Returns the af_unix plugin of auditd, if laurel-mp reads from a socket."""
    if not facts.socket:
        return None
    sockets = [plugin for plugin in facts.plugins if plugin.is_socket]
    active = [plugin for plugin in sockets if plugin.is_active]
    return next(iter(active or sockets), None)


def _leftovers(facts: Facts) -> str:
    """Returns a message about plugin files that auditd ignores because of their names."""
    names = [
        name
        for name in facts.host.names(facts.plugin_dir)
        if PROGRAM in name and not is_loaded(name, facts.version)
    ]
    return f"auditd ignores files with names like {', '.join(names)}" if names else ""


def _active(facts: Facts) -> Iterator[Result]:
    socket = _socket_plugin(facts)
    plugins = facts.ours or ([socket] if socket else [])
    if not plugins or any(plugin.is_active or plugin.is_skipped for plugin in plugins):
        return
    plugin = plugins[0]
    yield problem(
        plugin.where("active"),
        f"active = {plugin.value('active') or 'no'}",
        "auditd does not start a plugin that is not active.",
        f"in {plugin.name}: active = yes",
        reread(facts),
    )


def _syntax(facts: Facts) -> Iterator[Result]:
    for plugin, fault in _faults(facts):
        if fault.effect is Effect.SKIPPED:
            yield problem(
                f"{plugin.name}:{fault.line}",
                fault.text,
                f"{_sentence(fault.reason)}, and then {fault.effect.value}.",
                f"correct line {fault.line}: `key = value`, a blank on each side of the =, "
                "no tabs, no quotes, no comment behind the value",
                reread(facts),
            )


def _line_length(facts: Facts) -> Iterator[Result]:
    for plugin, fault in _faults(facts):
        if fault.effect is Effect.LEFT_OUT:
            yield problem(
                f"{plugin.name}:{fault.line}",
                fault.text,
                f"{_sentence(fault.reason)}: {fault.effect.value}.",
                f"end each line with a line feed, and keep it within "
                f"{longest_line(facts.version)} characters: shorter paths, or a link",
                reread(facts),
            )


def _arguments(facts: Facts) -> Iterator[Result]:
    for plugin, fault in _faults(facts):
        if fault.effect is Effect.CUT:
            yield problem(
                f"{plugin.name}:{fault.line}",
                fault.text,
                f"{_sentence(fault.reason)}: {fault.effect.value}.",
                "args = -c /etc/laurel-mp/config.toml   # and nothing else (without this comment)",
                reread(facts),
            )
    for plugin in facts.ours:
        odd = [word for word in plugin.arguments if word[:1] in "\"'#" or word[-1:] in "\"'"]
        if odd:
            yield problem(
                plugin.where("args"),
                f"args = {' '.join(plugin.arguments)}",
                "auditd passes quotes and comments to laurel-mp, which takes them for file names.",
                "remove quotes and comments; paths with blanks are not possible",
                reread(facts),
            )


def _faults(facts: Facts) -> Iterator[tuple[PluginFile, Fault]]:
    for plugin in facts.ours:
        for fault in plugin.faults:
            yield plugin, fault


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


def _mode(facts: Facts) -> Iterator[Result]:
    for plugin in facts.ours:
        status = facts.host.status(plugin.name)
        if status is not None and (wrong := _distrust(facts, status)):
            yield problem(
                plugin.name,
                wrong,
                "auditd refuses this file, and starts without the plugin.",
                f"chown root:root {plugin.name}",
                f"chmod 0640 {plugin.name}",
                reread(facts),
            )


def _distrust(facts: Facts, status: os.stat_result) -> str:
    if status.st_uid != facts.host.root_uid:
        return f"it belongs to user {status.st_uid}, not to root"
    if status.st_mode & stat.S_IWOTH:
        return f"everybody can write it (mode {mode(status)})"
    if status.st_mode & stat.S_IWGRP and facts.version >= NO_GROUP_WRITE:
        return f"its group can write it (mode {mode(status)})"
    return ""


def _values(facts: Facts) -> Iterator[Result]:
    for plugin in facts.ours:
        if plugin.value("format").lower() == "binary":
            yield problem(
                plugin.where("format"),
                "format = binary",
                "laurel-mp reads text; every record would be malformed.",
                "format = string",
                reread(facts),
            )
        if plugin.is_active and not plugin.value("path"):
            yield problem(
                plugin.name,
                "there is no path",
                "auditd skips an active plugin without one.",
                "path = /opt/laurel-mp/bin/laurel-mp",
                reread(facts),
            )


def _backups(facts: Facts) -> Iterator[Result]:
    for plugin in facts.plugins:
        if plugin.name.endswith(".conf") or not plugin.is_active:
            continue
        yield warning(
            plugin.name,
            f"active = yes, in a file that is no *.conf: {PurePosixPath(plugin.name).name}",
            f"auditd {facts.version_text} loads it as well: the plugin is started twice.",
            f"rm {plugin.name}   # or move it to another directory",
            reread(facts),
        )


CHECKS = (
    Check("plugin-file", "a plugin file starts laurel-mp (or feeds the socket it reads)", _present),
    Check("plugin-active", "that file says `active = yes`", _active),
    Check("plugin-syntax", "auditd can read each of its lines", _syntax),
    Check(
        "plugin-line-length", "no line is too long, and the last one has a line feed", _line_length
    ),
    Check(
        "plugin-args", "`args` has no more words than auditd passes on, and no quotes", _arguments
    ),
    Check("plugin-file-mode", "the file belongs to root, and only root can write it", _mode),
    Check("plugin-values", "`format` is `string`, and there is a `path`", _values),
    Check("plugin-backups", "no backup such as `x.conf~` is loaded as a second plugin", _backups),
)

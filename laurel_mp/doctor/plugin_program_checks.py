"""Checks of the program in the plugin file, and of other plugins."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, note, problem, warning
from laurel_mp.doctor.host_user import mode
from laurel_mp.doctor.plugin_file import PluginFile, Version
from laurel_mp.doctor.plugin_file_checks import NO_GROUP_WRITE, reread

_SHEBANG = 256  # the kernel reads no more of a script's first line [binfmt_script]

_SLOW = {
    "audisp-remote": "it sends to another host, and waits when that or the network is slow",
    "audispd-zos-remote": "it sends to another host, and waits when that or the network is slow",
    "audisp-syslog": "it waits for the system's log",
}


def _program(facts: Facts) -> Iterator[Result]:
    for plugin in facts.ours:
        path = plugin.value("path")
        if not plugin.is_active or not path:
            continue
        status = facts.host.status(path)
        if status is None:
            yield problem(
                plugin.where("path"),
                f"{path} is not there",
                "auditd skips the plugin.",
                "sh deploy/install.sh   # or correct the path",
                reread(facts),
            )
        elif wrong := _refused(facts, status):
            yield problem(
                path,
                wrong,
                "auditd refuses to start such a program.",
                f"chown root:root {path}",
                f"chmod 0755 {path}",
                reread(facts),
            )
        elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield problem(
                path,
                f"others than root can write it (mode {mode(status)})",
                "auditd starts it as root: everyone who can write it can become root.",
                f"chmod 0755 {path}",
            )


def _refused(facts: Facts, status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    if status.st_uid != facts.host.root_uid:
        return f"it belongs to user {status.st_uid}, not to root"
    wanted = _mode_bits(facts.version)
    if status.st_mode & wanted != wanted:
        return f"its mode is {mode(status)}, and has to contain {wanted:04o}"
    if facts.version >= NO_GROUP_WRITE and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others than root can write it (mode {mode(status)})"
    return ""


def _mode_bits(version: Version) -> int:
    return 0o550 if version >= (4, 0, 4) else 0o750


def _interpreter(facts: Facts) -> Iterator[Result]:
    for plugin in facts.ours:
        path = plugin.value("path")
        if not plugin.is_active or not path:
            continue
        line = (facts.host.read(path, _SHEBANG) or b"").partition(b"\n")[0]
        words = line.removeprefix(b"#!").decode("utf-8", "replace").split()
        if not line.startswith(b"#!") or not words:
            continue
        if PurePosixPath(words[0]).name == "env":
            yield problem(
                f"{path}:1",
                f"#!{' '.join(words)}",
                "auditd starts plugins with an empty environment: env finds another Python than "
                "you do, and that one does not know where it is itself.",
                "put the full path of the interpreter there, as pip and install.sh do",
            )
        elif facts.host.status(words[0]) is None:
            yield problem(
                f"{path}:1",
                f"{words[0]} is not there",
                f"The program cannot be started. {_failed_exec(facts.version)}",
                "sh deploy/install.sh   # after an upgrade of Python, install it again",
                reread(facts),
            )


def _failed_exec(version: Version) -> str:
    if version >= (4, 2):
        return "auditd tries it max_restarts times, then never again."
    return (
        "auditd tries it at each record until max_restarts is used up, and each attempt removes "
        "/run/auditd.pid, without which the service cannot be stopped or reloaded."
    )


def _twice(facts: Facts) -> Iterator[Result]:
    ours = [plugin for plugin in facts.ours if plugin.is_active]
    for plugin in ours[1:]:
        yield problem(
            plugin.where("path"),
            f"laurel-mp is started here, too; the other file is {ours[0].name}",
            "Every event is decoded twice; with the same directory, the second process waits "
            "for ever.",
            f"rm {plugin.name}",
            reread(facts),
        )


def _laurel(facts: Facts) -> Iterator[Result]:
    for plugin in facts.plugins:
        if plugin.is_active and PurePosixPath(plugin.program).name == "laurel":
            yield warning(
                plugin.where("path"),
                f"LAUREL is active, too: path = {plugin.program}",
                "All events are decoded and written twice, and when either of the two is slow, "
                "auditd stops giving records to both.",
                f"in {plugin.name}: active = no   # when you no longer need to compare",
                reread(facts),
            )


def _others(facts: Facts) -> Iterator[Result]:
    for plugin in facts.plugins:
        if plugin.is_active and not _is_known(plugin) and not _feeds_us(facts, plugin):
            name = PurePosixPath(plugin.program).name
            reason = _SLOW.get(name, "its speed is unknown")
            yield note(
                plugin.where("path"),
                f"another plugin is active: path = {plugin.program}",
                "auditd writes to one plugin after the other: while this one does not read, "
                f"no plugin gets records ({reason}).",
                f"in {plugin.name}: active = no   # if it is not needed",
            )


def _is_known(plugin: PluginFile) -> bool:
    return plugin.is_ours or PurePosixPath(plugin.program).name == "laurel"


def _feeds_us(facts: Facts, plugin: PluginFile) -> bool:
    return plugin.is_socket and bool(facts.socket)


CHECKS = (
    Check(
        "plugin-program",
        "the program is there, root's own, with a mode that auditd accepts",
        _program,
    ),
    Check(
        "plugin-interpreter",
        "its first line names an interpreter that is there, not `env`",
        _interpreter,
    ),
    Check("plugin-twice", "laurel-mp is started once", _twice),
    Check("plugin-laurel", "LAUREL is not active beside it", _laurel),
    Check("plugin-others", "no other plugin shares auditd's queue", _others),
)

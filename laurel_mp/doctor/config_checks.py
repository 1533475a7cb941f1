"""Checks of the configuration of laurel-mp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from laurel_mp.doctor.configured_outputs import outputs
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Finding, Result, note, problem, warning
from laurel_mp.doctor.host_user import MISSING, find_user
from laurel_mp.errors import ConfigError, OutputError
from laurel_mp.outputs.shared_files import refuse_shared
from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.runner import stage_options

_RELOAD = "pkill -HUP -x auditd   # which passes it on to its plugins"


def _valid(facts: Facts) -> Iterator[Result]:
    file = facts.config_file
    for text in file.problems or _unfit(facts):
        where, _, rest = text.partition(": ")
        yield problem(
            where,
            rest,
            "laurel-mp does not start with this configuration, and auditd restarts it only a few "
            "times. A running daemon keeps the previous configuration.",
            f"correct it, and check it: laurel-mp -d -c {file.name}",
        )


def _unfit(facts: Facts) -> tuple[str, ...]:
    """Returns problems of a valid configuration on this host."""
    if facts.host.root != Path("/"):
        return ()
    try:
        stage_options.check(facts.config_file.config)
    except ConfigError as error:
        return tuple(f"{facts.config_file.name}: {line}" for line in str(error).splitlines())
    return ()


def _dump(facts: Facts) -> Iterator[Result]:
    debug = facts.config.debug
    if debug.dump_state_period and debug.log is None:
        yield note(
            facts.config_file.name,
            "dump-state-period is set, and there is no [debug.log]",
            "The process table is written to [debug.log] only.",
            "add [debug.log] with a file, or remove dump-state-period",
        )


def _user(facts: Facts) -> Iterator[Result]:
    name = facts.config.user
    if name is None:
        yield note(
            facts.config_file.name or "the plugin's args",
            "user is not set",
            "laurel-mp runs as root, although without most capabilities.",
            'user = "_laurel-mp"   # after: useradd --system --no-create-home _laurel-mp',
        )
    elif find_user(facts.host, name) is None:
        yield problem(
            facts.config_file.name,
            f"user = {name!r}: there is no such user",
            "laurel-mp does not start.",
            f"useradd --system --no-create-home --shell /usr/sbin/nologin {name}",
        )


def _directory(facts: Facts) -> Iterator[Result]:
    if not Path(facts.config.directory).is_absolute():
        yield problem(
            facts.config_file.name or "the plugin's args",
            f"directory = {facts.config.directory!r}",
            "auditd starts plugins in the root directory: relative to it, logs would be "
            "written there.",
            'directory = "/var/log/laurel-mp"',
        )


def _readers(facts: Facts) -> Iterator[Result]:
    for output in outputs(facts.config):
        for kind, names in (("passwd", output.log.read_users), ("group", output.log.read_groups)):
            for name in names:
                if (
                    name.startswith("-")
                    or facts.host.answer("getent", kind, name).status == MISSING
                ):
                    yield _no_reader(facts, output.section, kind, name)


def _no_reader(facts: Facts, section: str, kind: str, name: str) -> Finding:
    kind_name, key = ("user", "read-users") if kind == "passwd" else ("group", "read-groups")
    return problem(
        facts.config_file.name,
        f"[{section}] {key}: there is no {kind_name} {name!r}",
        "laurel-mp does not start. A running daemon keeps the previous configuration.",
        f"remove {name!r}, or create the {kind_name}",
        _RELOAD,
    )


def _shared(facts: Facts) -> Iterator[Result]:
    host = facts.host
    targets = [
        Target(
            str(host.path(facts.below_directory(output.name))),
            output.log.size,
            output.log.generations,
        )
        for output in outputs(facts.config)
        if output.is_file
    ]
    try:
        refuse_shared(targets)
    except OutputError as error:
        root = "" if host.root == Path("/") else str(host.root)
        yield problem(
            facts.config_file.name,
            str(error).replace(root, "") if root else str(error),
            "Each output would rotate the file of the other: laurel-mp does not start.",
            "another `file` for one of them",
            _RELOAD,
        )


def _rotation(facts: Facts) -> Iterator[Result]:
    for output in outputs(facts.config):
        log = output.log
        if not output.is_file or (log.size and log.generations):
            continue
        seen = f"size = {log.size}" if not log.size else f"generations = {log.generations}"
        effect = (
            "The file grows without limit."
            if not log.size
            else f"At {log.size} bytes the file is deleted with everything in it."
        )
        yield warning(
            facts.config_file.name,
            f"[{output.section}] {seen}",
            effect,
            "size = 10485760",
            "generations = 5",
            _RELOAD,
        )


def _programs(facts: Facts) -> Iterator[Result]:
    for output in outputs(facts.config):
        program = output.program
        if program and not _is_executable(facts, program):
            yield problem(
                facts.config_file.name,
                f"[{output.section}] file = {output.name!r}: missing, or not executable",
                "laurel-mp retries to start it; meanwhile the output is stalled, and input "
                "fills the spool.",
                f"install {program}, or chmod a+rx it",
            )


def _is_executable(facts: Facts, path: str) -> bool:
    status = facts.host.status(path)
    return status is not None and bool(status.st_mode & 0o111)


def _sockets(facts: Facts) -> Iterator[Result]:
    source = facts.config.input
    found = [("input", source, source.removeprefix("stdin").removeprefix("unix:"))]
    found += [
        (f"[{output.section}] file", output.name, output.socket) for output in outputs(facts.config)
    ]
    for key, name, path in found:
        if path and facts.host.status(path) is None:
            yield warning(
                facts.config_file.name,
                f"{key} = {name!r}: no such socket at present",
                "laurel-mp can read or write it only while the program at the other end runs.",
                "start the program at the other end"
                if key != "input"
                else "switch on auditd's af_unix plugin: docs/installation.md",
            )


CHECKS = (
    Check("config-valid", "`laurel-mp -d` finds nothing wrong with the configuration", _valid),
    Check("config-user", "it names a `user` that exists", _user),
    Check("config-directory", "`directory` is an absolute path", _directory),
    Check("config-readers", "users and groups in `read-users` and `read-groups` exist", _readers),
    Check("config-shared", "no two outputs share a file", _shared),
    Check("config-rotation", "each log file has a `size` and `generations`", _rotation),
    Check("config-dump", "if `dump-state-period` is set, there is a `[debug.log]`", _dump),
    Check("config-programs", "output programs exist", _programs),
    Check("config-sockets", "its sockets exist", _sockets),
)

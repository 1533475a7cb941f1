"""Checks of our own configuration."""

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
            "laurel-mp does not start with this configuration, and auditd tries it only so often; "
            "if it runs already, it goes on with the former one.",
            f"correct it, and check it: laurel-mp -d -c {file.name}",
        )


def _unfit(facts: Facts) -> tuple[str, ...]:
    """What is valid in itself, but not on this host."""
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
            "That is where the process table would be written to.",
            "add [debug.log] with a file, or take dump-state-period out",
        )


def _user(facts: Facts) -> Iterator[Result]:
    name = facts.config.user
    if name is None:
        yield note(
            facts.config_file.name or "the plugin's args",
            "user is not set",
            "laurel-mp stays root, though without most capabilities.",
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
            "auditd starts its plugins in the root directory, so that is where logs would go.",
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
    who, key = ("user", "read-users") if kind == "passwd" else ("group", "read-groups")
    return problem(
        facts.config_file.name,
        f"[{section}] {key}: there is no {who} {name!r}",
        "laurel-mp does not start; if it runs already, it goes on with the former configuration.",
        f"take {name!r} out, or make the {who}",
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
            "Each would rotate the other's file away; laurel-mp does not start.",
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
            else f"Whenever the file has {log.size} bytes, all that is in it is gone at once."
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
                f"[{output.section}] file = {output.name!r}: it is not there, or not executable",
                "laurel-mp tries to start it again and again; meanwhile events wait in the spool.",
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
                f"{key} = {name!r}: there is no such socket now",
                "Nothing can be read from it or written to it until somebody makes it.",
                "start the program at the other end"
                if key != "input"
                else "switch on auditd's af_unix plugin: docs/installation.md",
            )


CHECKS = (
    Check("config-valid", "`laurel-mp -d` finds nothing wrong with the configuration", _valid),
    Check("config-user", "it names a `user`, and there is one", _user),
    Check("config-directory", "`directory` is an absolute path", _directory),
    Check("config-readers", "users and groups in `read-users` and `read-groups` exist", _readers),
    Check("config-shared", "no two outputs share a file", _shared),
    Check("config-rotation", "each log file has a `size` and former `generations`", _rotation),
    Check("config-dump", "if `dump-state-period` is set, there is a `[debug.log]`", _dump),
    Check("config-programs", "programs that output goes to are there", _programs),
    Check("config-sockets", "sockets that it names are there", _sockets),
)

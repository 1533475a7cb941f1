"""Finds everything in a configuration that keeps the plugin from starting: `laurel-mp -d`."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

from laurel_mp.config import Config, examine
from laurel_mp.doctor.configured_outputs import directories, outputs
from laurel_mp.errors import ConfigError, OutputError
from laurel_mp.outputs.shared_files import refuse_shared
from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.system import log_directory, privileges


def problems_of(path: Path) -> list[str]:
    """Returns all problems of a configuration, each with file, section and key.

    In addition to the file itself it checks this host: users, groups and directories. Nothing is
    changed. Directories that only root can look into are not checked for other users.
    """
    try:
        config, found = examine(path)
    except ConfigError as error:
        return str(error).splitlines()
    has_directory = not any(problem.startswith("directory: ") for problem in found)
    for problem in _on_this_host(config, has_directory=has_directory):
        if problem not in found:
            found.append(problem)
    return [f"{path}: {problem}" for problem in found]


def _on_this_host(config: Config, *, has_directory: bool) -> Iterator[str]:
    user = None
    try:
        user = privileges.find_user(config.user)
    except ConfigError as error:
        yield str(error)
    else:
        if has_directory:
            yield from _directory(config, user)
    if has_directory:
        yield from _directories_of_files(config)
    try:
        stage_options.check(config)
    except ConfigError as error:
        yield from str(error).splitlines()
    yield from _readers(config)
    yield from _shared_files(config)


def _directory(config: Config, user: privileges.User | None) -> Iterator[str]:
    path = Path(config.directory)
    if _is_hidden(path):
        return
    try:
        log_directory.check(path, user)
    except ConfigError as error:
        yield str(error)


def _directories_of_files(config: Config) -> Iterator[str]:
    """Yields a problem for each directory that is missing; `directory` itself is made at start."""
    for name, setting in directories(config, config.directory).items():
        path = Path(name)
        if path == Path(config.directory) or _is_hidden(path):
            continue
        if not path.is_dir():
            reason = "not a directory" if path.exists() else "no such directory"
            yield f"{setting}: {path}: {reason}"


def _is_hidden(path: Path) -> bool:
    """Returns True if this user may not even know whether the file exists."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _readers(config: Config) -> Iterator[str]:
    for output in outputs(config):
        for key, names, kind, find in (
            ("read-users", output.log.read_users, "user", pwd.getpwnam),
            ("read-groups", output.log.read_groups, "group", grp.getgrnam),
        ):
            for name in names:
                if not _exists(find, name):
                    yield f"[{output.section}] {key}: no such {kind}: {name!r}"


def _exists(find: Callable[[str], object], name: str) -> bool:
    try:
        find(name)
    except (KeyError, ValueError):  # ValueError: no entry can have such a name
        return False
    return True


def _shared_files(config: Config) -> Iterator[str]:
    files = [
        (
            output.section,
            Target(
                str(Path(config.directory, output.name)), output.log.size, output.log.generations
            ),
        )
        for output in outputs(config)
        if output.is_file
    ]
    for (section, target), (other_section, other) in combinations(files, 2):
        try:
            refuse_shared([target, other])
        except OutputError as error:
            yield f"[{other_section}] file: conflict with [{section}] file: {error}"

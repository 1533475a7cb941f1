"""Reads a configuration file."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from laurel_mp.config.schema import Config
from laurel_mp.config.trust import distrust, foreign_link
from laurel_mp.config.validation import Reading
from laurel_mp.errors import ConfigError

_line_of_error = re.compile(r"\(at line (\d{1,9}), column \d{1,9}\)$")
"""The end of a message of tomllib."""


def load(path: Path | None) -> Config:
    """Read a configuration file; without one, everything has its default.

    Raises `ConfigError` if the file cannot be read or is not fit to be trusted, and as `parse`.
    """
    return Config() if path is None else parse(_read(path), str(path))


def parse(text: str, name: str) -> Config:
    """Turn the text of a configuration into one; ``name`` says in messages where it is from.

    Raises `ConfigError` with all problems, a line each.
    """
    config, problems = _examine(text, name)
    if problems:
        raise ConfigError("\n".join(f"{name}: {problem}" for problem in problems))
    return config


def examine(path: Path) -> tuple[Config, list[str]]:
    """Return the valid settings of a file, and its problems; faulty settings have their defaults.

    Raises `ConfigError` if the file cannot be read, is not fit to be trusted, or is not TOML.
    """
    return _examine(_read(path), str(path))


def settings_before_error(path: Path) -> Config:
    """Return the valid settings in front of the first syntax error of a file.

    Raises `ConfigError` if the file cannot be read, or is not fit to be trusted.
    """
    lines = _read(path).splitlines()
    while lines:
        try:
            return _examine("\n".join(lines), str(path))[0]
        except ConfigError as error:
            line = _line_of_error.search(str(error))
            del lines[min(int(line[1]), len(lines)) - 1 if line else len(lines) - 1 :]
    return Config()


def _examine(text: str, name: str) -> tuple[Config, list[str]]:
    # Imported here: the children get their configuration from the supervisor, not from TOML.
    import tomllib

    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{name}: not valid TOML: nested too deeply") from None
    except ValueError as error:  # also numbers with more digits than Python converts
        raise ConfigError(f"{name}: not valid TOML: {error}") from None
    reading = Reading()
    return reading.config(tables), reading.problems


def _read(path: Path) -> str:
    try:
        # Opening a FIFO would otherwise wait for a writer, and hold up auditd.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check_trust(os.fstat(descriptor), path)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read().decode("utf-8-sig")
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not valid UTF-8 at byte {error.start}") from None


def _check_trust(status: os.stat_result, path: Path) -> None:
    """Refuse what others could have written: a `| program` in it would run with our rights."""
    if stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"{path}: is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{path}: is not a regular file")
    owner = os.geteuid()
    if problem := distrust(status, owner):
        hint = f"; refused until you run: chmod go-w {path}" if "write" in problem else ""
        raise ConfigError(f"{path}: {problem}{hint}")
    if link := foreign_link(path, owner):
        raise ConfigError(f"{path}: {link} is a symbolic link of another user")
    # Who can write the directory can put another file in this one's place.
    for parent in {path.absolute().parent, path.resolve().parent}:
        where = parent.stat()
        # In a directory like /tmp they cannot: only owners remove what is there.
        if not where.st_mode & stat.S_ISVTX and (problem := distrust(where, owner)):
            raise ConfigError(f"{path}: its directory {parent} {problem}")

"""Rotated logs of a directory, in the order of their events."""

from __future__ import annotations

import re
from pathlib import Path

from laurel_mp.errors import InputError

_NAME = re.compile(
    r"(?P<base>.+\.log)(?:\.(?P<number>[0-9]{1,9})|[.-](?P<date>[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:-?[0-9]+)?))?"
    r"(?:\.gz|\.xz)?"
)


def rotated_logs(directory: str) -> list[str]:
    """Returns the logs of a directory, oldest first; logs of different names by name.

    Logs are `NAME.log`, and `NAME.log.1`, `NAME.log.2`, … as auditd and logrotate rename them, or
    `NAME.log-DATE`, plain, .gz or .xz. Raises InputError if there are none.
    """
    found = []
    try:
        for path in Path(directory).iterdir():
            match = _NAME.fullmatch(path.name)
            if match is not None and path.is_file():
                found.append((_age(match), str(path)))
    except OSError as error:
        raise InputError(f"{directory}: cannot be read: {error.strerror}") from error
    if not found:
        raise InputError(f"{directory}: no logs: no file is called NAME.log, NAME.log.1, …")
    return [path for _, path in sorted(found)]


def _age(match: re.Match[str]) -> tuple[str, int, str, int]:
    """Returns a key that sorts the oldest log first."""
    if match["date"]:
        return match["base"], 0, match["date"], 0
    if match["number"]:
        return match["base"], 1, "", -int(match["number"])
    return match["base"], 2, "", 0

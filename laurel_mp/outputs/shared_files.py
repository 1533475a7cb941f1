"""Refuses two sinks that write to one file."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from laurel_mp.errors import OutputError
from laurel_mp.outputs.target import Target


def refuse_shared(targets: Sequence[Target]) -> None:
    """Raises OutputError if two targets share a file, or one is a rotated file of another."""
    files = [target for target in targets if target.is_path and not _is_device(target.name)]
    for index, one in enumerate(files):
        for other in files[index + 1 :]:
            if _identity(one.name) == _identity(other.name):
                raise OutputError(f"{other.name}: is the file of two outputs")
            for older, newer in ((one, other), (other, one)):
                if _is_generation(older.name, newer):
                    raise OutputError(f"{older.name}: is a former file of the output {newer.name}")


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISCHR(os.lstat(path).st_mode)
    except OSError:
        return False


def _identity(path: str) -> object:
    """Equal for two paths that lead to one file, which need not exist yet."""
    try:
        status = os.lstat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _is_generation(path: str, target: Target) -> bool:
    path, of = os.path.realpath(path), os.path.realpath(target.name)
    number = path.removeprefix(f"{of}.")
    return number != path and number.isdecimal() and 1 <= int(number) <= target.generations

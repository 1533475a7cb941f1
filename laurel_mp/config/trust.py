"""Checks that only root or the owner can change a file, or put another in its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

ROOT = 0

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

_MAX_LINKS = 40  # the kernel's limit, too [path_resolution(7)]


def distrust(status: os.stat_result, owner: int) -> str:
    """Returns the reason not to trust a file that only root or `owner` should control.

    It is empty for a trusted file. `status` has the file's owner and mode.
    """
    if status.st_uid not in (ROOT, owner):
        return f"belongs to another user (user id {status.st_uid})"
    if status.st_mode & _WRITABLE_BY_OTHERS:
        return f"group or others can write it (mode {stat.S_IMODE(status.st_mode):04o})"
    return ""


def foreign_link(path: Path, owner: int) -> Path | None:
    """The first symbolic link on the way to `path` that others than root and `owner` made.

    Raises OSError for what is not there.
    """
    for link in _links(path):
        if link.lstat().st_uid not in (ROOT, owner):
            return link
    return None


def _links(path: Path) -> Iterator[Path]:
    """All symbolic links that are followed on the way to `path`."""
    pending = list(reversed(path.absolute().parts[1:]))
    here = Path("/")
    followed = 0
    while pending:
        step = here.parent if (name := pending.pop()) == ".." else here / name
        if not step.is_symlink():
            here = step
            continue
        yield step
        followed += 1
        if followed > _MAX_LINKS:
            return
        target = step.readlink()
        if target.is_absolute():
            here = Path("/")
        pending += [part for part in reversed(target.parts) if part != "/"]

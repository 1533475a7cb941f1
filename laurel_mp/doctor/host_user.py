"""Users of a host, and their rights by file modes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.doctor.host import Host, UnknownError
from laurel_mp.doctor.untrusted_numbers import whole

READ, WRITE, SEARCH = 4, 2, 1

MISSING = 2
"""Exit status of getent(1) for an unknown name or number."""


@dataclass(frozen=True, slots=True)
class User:
    """A user with all groups."""

    name: str
    uid: int
    groups: frozenset[int]

    def may(self, status: os.stat_result, wanted: int) -> bool:
        """Returns True if the mode of a file gives these rights; capabilities do not count."""
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            given = status.st_mode >> 6
        elif status.st_gid in self.groups:
            given = status.st_mode >> 3
        else:
            given = status.st_mode
        return given & wanted == wanted


def find_user(host: Host, name: str) -> User | None:
    """Returns the user of this name; None if there is none. Raises UnknownError."""
    if not name or name.startswith("-") or "\0" in name:
        return None  # no user has such a name, and for getent it would be an option
    done = host.answer("getent", "passwd", name)
    fields = done.out.partition("\n")[0].split(":")
    if done.status == MISSING:
        return None
    if done.status != 0 or len(fields) < 4:
        raise UnknownError(f"getent passwd {name}: {done.complaint}")
    words = host.answer("getent", "initgroups", name).out.split()[1:]
    groups = frozenset(whole(word, -1) for word in (fields[3], *words))
    return User(name, whole(fields[2], -1), groups - {-1})


def unsearchable(host: Host, user: User, name: str) -> Path | None:
    """Returns the first parent directory that the user cannot enter; None for none."""
    for directory in reversed(Path(name).parents):
        status = host.status(directory)
        if status is None:
            return None
        if not has_list(host, directory) and not user.may(status, SEARCH):
            return directory
    return None


def has_list(host: Host, name: str | Path) -> bool:
    """Returns True if the file has an access control list, so that its mode does not decide."""
    try:
        return "system.posix_acl_access" in os.listxattr(host.path(name))
    except OSError:
        return False


def mode(status: os.stat_result) -> str:
    """Returns the mode of a file in octal, as for chmod(1)."""
    return f"{stat.S_IMODE(status.st_mode):04o}"

"""Names of users and groups, from the local user database."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable

UNSET = 0xFFFFFFFF  # AUDIT_UID_UNSET [include/uapi/linux/audit.h]

MAX_NAMES = 8192
"""Names that are remembered, of users and of groups each."""


class Names:
    """Looks ids up through NSS when they are first needed, and remembers them, misses too.

    Whoever remembers text that was rendered with these names decides how long they hold.
    """

    def __init__(self) -> None:
        self._users: dict[int, bytes] = {}
        self._groups: dict[int, bytes] = {}

    def user(self, uid: int) -> bytes:
        """The name of a user, `unset`, or `unknown(N)`."""
        return _name(self._users, uid, _user_name)

    def group(self, gid: int) -> bytes:
        """The name of a group, `unset`, or `unknown(N)`."""
        return _name(self._groups, gid, _group_name)


def _user_name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _name(known: dict[int, bytes], number: int, look_up: Callable[[int], str]) -> bytes:
    if number in (UNSET, -1):
        return b"unset"
    name = known.get(number)
    if name is None:
        try:
            name = look_up(number).encode("utf-8", "surrogateescape")
        except (KeyError, OverflowError, OSError):
            name = b"unknown(%d)" % number
        if len(known) >= MAX_NAMES:
            known.clear()
        known[number] = name
    return name

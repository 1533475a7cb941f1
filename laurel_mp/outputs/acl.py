"""Read access to log files by a POSIX access control list (acl(5))."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

XATTR = "system.posix_acl_access"

# linux/posix_acl_xattr.h and posix_acl.h: a version, then entries of tag, permissions and id.
VERSION = 2
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
UNDEFINED_ID = 0xFFFFFFFF
READ, WRITE = 4, 2

_HEADER = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")


@dataclass(frozen=True, slots=True)
class Readers:
    """Readers of a file besides its owner: ids of users, ids of groups, or all users."""

    users: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    other: bool = False


NO_READERS = Readers()


def encode(readers: Readers) -> bytes:
    """Returns the value of the extended attribute; the kernel wants entries in this order."""
    other = READ if readers.other else 0
    entries: Iterable[tuple[int, int, int]] = [
        (USER_OBJ, READ | WRITE, UNDEFINED_ID),
        *((USER, READ, uid) for uid in sorted(set(readers.users))),
        (GROUP_OBJ, 0, UNDEFINED_ID),
        *((GROUP, READ, gid) for gid in sorted(set(readers.groups))),
        (MASK, READ, UNDEFINED_ID),
        (OTHER, other, UNDEFINED_ID),
    ]
    return _HEADER.pack(VERSION) + b"".join(_ENTRY.pack(*entry) for entry in entries)


def grant(fd: int, readers: Readers) -> str:
    """Gives read access to `readers` alone; returns a message about what failed, or "".

    On a file system without ACLs the file gets the nearest mode that lets in no other readers.
    """
    mode = 0o604 if readers.other else 0o600
    try:
        if readers.users or readers.groups:
            return _grant_by_list(fd, readers, mode)
        with suppress(OSError):  # mostly there is none; otherwise the mode below decides
            os.removexattr(fd, XATTR)
        os.fchmod(fd, mode)
    except OSError as error:
        return f"cannot set its readers: {error.strerror}"
    return ""


def _grant_by_list(fd: int, readers: Readers, mode: int) -> str:
    try:
        os.setxattr(fd, XATTR, encode(readers))
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOSYS):
            raise
    else:
        return ""
    for gid in readers.groups:
        with suppress(OSError):
            os.fchown(fd, -1, gid)
            os.fchmod(fd, mode | 0o040)
            return f"file system without ACLs: only group {gid} may read it, by mode"
    os.fchmod(fd, mode)
    return "file system without ACLs: ignoring read-users and read-groups"

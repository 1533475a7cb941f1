"""Record types: what they are called, and who writes them."""

from __future__ import annotations

import re

from laurel_mp.records.tables.record_types import NUMBERS

_unknown = re.compile(rb"UNKNOWN\[([0-9]{1,9})\]").fullmatch

SINGLE_OBJECTS = frozenset((b"SYSCALL", b"EXECVE", b"CWD", b"PROCTITLE"))
"""Kernel record types of which an event has one: an object in the output, not a list."""

# Records that the kernel writes only within a syscall or an io_uring operation: where one of
# them stands, an end of event was due [kernel: audit_log_exit].
PARTS_OF_SYSCALLS = frozenset(
    (b"SYSCALL", b"URINGOP", b"PATH", b"CWD", b"EXECVE", b"PROCTITLE", b"SOCKADDR")
)


def number_of(name: bytes) -> int | None:
    """The number of a record type (include/uapi/linux/audit.h), None for a name we do not know."""
    number = NUMBERS.get(name)
    if number is None and (match := _unknown(name)):
        return int(match[1])
    return number


def is_daemon(name: bytes) -> bool:
    """Whether a record is of auditd about itself, with a serial of its own number space."""
    if name.startswith(b"DAEMON_"):
        return True
    match = _unknown(name)
    return match is not None and 1200 <= int(match[1]) <= 1299


def is_kernel(name: bytes, body: bytes) -> bool:
    """Whether a record can be part of a larger event; all others are events of their own.

    A name that is not in the table is judged by its body: only records from user space carry
    a `msg='…'`, which auditd's library puts there [libaudit: audit_log_user_message].
    """
    number = number_of(name)
    if number is None:
        return b" msg='" not in body and not body.startswith(b"msg='")
    return number == 1006 or 1300 <= number <= 2099  # AUDIT_LOGIN comes from the kernel

"""Classifies record types: by number, and by the program that writes them."""

from __future__ import annotations

import re

from laurel_mp.records.tables.record_types import NUMBERS

_unknown = re.compile(rb"UNKNOWN(?:_|(?=\[.*\]))\[?([0-9]{1,9})\]?").fullmatch
_number = re.compile(rb"([0-9]+)|UNKNOWN\[([0-9]+)\]").fullmatch
_NAMES = {b"%d" % number: name for name, number in reversed(NUMBERS.items())}

SINGLE_OBJECTS = frozenset((b"SYSCALL", b"EXECVE", b"CWD", b"PROCTITLE"))
"""Kernel record types of which an event has one: an object in the output, not a list."""

# Records that the kernel writes only within a syscall or an io_uring operation: an event with one
# of them has an end [kernel: audit_log_exit].
PARTS_OF_SYSCALLS = frozenset(
    (b"SYSCALL", b"URINGOP", b"PATH", b"CWD", b"EXECVE", b"PROCTITLE", b"SOCKADDR")
)


def canonical(name: bytes) -> bytes:
    """Returns the name of a type as `type=` has it: a name, a number, or `UNKNOWN[number]`.

    Old versions of auditd do not know the names of all types. A number without a name becomes
    `UNKNOWN_number`: some readers of JSON refuse brackets in keys.
    """
    if name in NUMBERS or (match := _number(name)) is None:
        return name
    number = (match[1] or match[2]).lstrip(b"0") or b"0"
    return _NAMES.get(number, b"UNKNOWN_" + number)


def written(name: bytes) -> bytes:
    """Returns the name of a type as auditd writes it: `UNKNOWN[1999]` for `UNKNOWN_1999`."""
    match = _unknown(name)
    return name if match is None else b"UNKNOWN[%b]" % match[1]


def number_of(name: bytes) -> int | None:
    """Returns the number of a record type (include/uapi/linux/audit.h); None if unknown."""
    number = NUMBERS.get(name)
    if number is None and (match := _unknown(name)):
        return int(match[1])
    return number


def is_daemon(name: bytes) -> bool:
    """True if auditd writes such records about itself; their serials are auditd's own."""
    if name.startswith(b"DAEMON_"):
        return True
    match = _unknown(name)
    return match is not None and 1200 <= int(match[1]) <= 1299


def is_kernel(name: bytes, body: bytes) -> bool:
    """True if a record can be part of a larger event; all others are events of their own.

    For an unknown type, the body tells: only records from user space have a `msg='…'`, which
    auditd's library adds [libaudit: audit_log_user_message].
    """
    number = number_of(name)
    if number is None:
        return b" msg='" not in body and not body.startswith(b"msg='")
    return number == 1006 or 1300 <= number <= 2099  # AUDIT_LOGIN comes from the kernel

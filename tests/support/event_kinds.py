"""Counts the events of a capture by kind, as flood names them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_CALLS = {
    **dict.fromkeys((56, 57, 58, 435), "fork"),
    **dict.fromkeys((60, 231), "exit"),
    **dict.fromkeys((59, 322), "exec"),
    **dict.fromkeys((2, 85, 257, 437), "open"),
    41: "socket",
    42: "connect",
}
# unlink, rename, chmod and the like, and their siblings that take a directory.
_FILE_CALLS = {*range(76, 78), *range(82, 95), *range(258, 264), 264, 265, 266, 268, 280, 316}

_record = re.compile(rb"(?m)^(?:node=\S+ )?type=(\S+) msg=audit\(([0-9.:]+)\):(?: ([^\n]*))?$")
_syscall = re.compile(rb"arch=\S+ syscall=([0-9]+)").match
_LONG_ARGUMENTS = re.compile(rb" a[0-9]+_len=|argc=[0-9]{3,} ").search


def kind_of(records: Mapping[bytes, bytes]) -> str | None:
    """The kind of an event by the bodies of its records; None for one that flood does not make."""
    types = records.keys()
    for sign, kind in ((b"AVC", "avc"), (b"URINGOP", "uring"), (b"CONFIG_CHANGE", "config")):
        if sign in types:
            return kind
    if b"LOGIN" in types or b"SYSCALL" not in types:
        return None if any(name.startswith(b"DAEMON_") for name in types) else "login"
    if _LONG_ARGUMENTS(records.get(b"EXECVE", b"")):
        return "argv"
    call = _syscall(records[b"SYSCALL"])
    number = int(call[1]) if call else -1
    return "file" if number in _FILE_CALLS else _CALLS.get(number)


def count(capture: bytes) -> Counter[str]:
    """Events of a capture by kind; `other` are those that flood does not make."""
    events: dict[bytes, dict[bytes, bytes]] = {}
    for kind, id_, body in _record.findall(capture):
        events.setdefault(id_, {}).setdefault(kind, body)
    return Counter(kind_of(records) or "other" for records in events.values())

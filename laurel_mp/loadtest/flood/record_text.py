"""Renders values as the kernel and auditd write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_EXECVE = 7500
"""Characters of arguments in one EXECVE record [kernel: audit_log_execve_info]."""

_LEAST_ROOM = 104
"""With less room left, a record ends before the next argument or piece."""

_NAME_ROOM = 96
"""Room for the name of an argument that must stay in one piece."""

_MAX_PROCTITLE = 128

_USERS = {0: "root", 33: "www-data", 1000: "alice", 1001: "bob", 4294967295: "unset"}

UNSET = 4294967295

is_plain = re.compile(r"[!#-~]*").fullmatch
"""Matches strings that the kernel puts in quotes; others are encoded."""


def hexed(text: str) -> str:
    """Returns two hexadecimal digits for each character, which stands for a byte."""
    return text.encode("latin1").hex().upper()


def encoded(text: str) -> str:
    """Returns an untrusted string: in quotes, or in hexadecimal digits."""
    return f'"{text}"' if is_plain(text) else hexed(text)


def proctitle(arguments: Sequence[str]) -> str:
    """Returns the value of `proctitle` for a command line."""
    return encoded("\0".join(arguments)[:_MAX_PROCTITLE])


def user(uid: int) -> str:
    """Returns a user's name as auditd translates it."""
    return f'"{_USERS[uid]}"' if uid in _USERS else f'"unknown({uid})"'


def execve(arguments: Sequence[str]) -> list[str]:
    """Returns the bodies of EXECVE records; all but the first begin with a blank."""
    records = []
    parts = [f"argc={len(arguments)}"]
    room = MAX_EXECVE
    for number, argument in enumerate(arguments):
        is_hex = len(argument) >= MAX_EXECVE or not is_plain(argument)
        rest = hexed(argument) if is_hex else argument
        quotes = 0 if is_hex else 2
        length = len(rest)
        piece = 0
        while True:
            if room < _LEAST_ROOM:
                records.append("".join(parts))
                parts, room = [], MAX_EXECVE
            is_whole = len(argument) < MAX_EXECVE and len(rest) + quotes + _NAME_ROOM <= room
            if piece == 0 and is_whole:
                name = f" a{number}="
            else:
                name = f" a{number}_len={length}" if piece == 0 else ""
                name += f" a{number}[{piece}]="
            room -= len(name)
            size = len(rest)
            if size + quotes > room:
                size = room // 2 * 2 if is_hex else room - quotes
            parts.append(f"{name}{rest[:size]}" if is_hex else f'{name}"{rest[:size]}"')
            room -= size + quotes
            rest = rest[size:]
            piece += 1
            if not rest:
                break
    records.append("".join(parts))
    return records

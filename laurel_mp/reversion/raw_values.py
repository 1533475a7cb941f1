"""Restores raw values that were left out for their translation, as far as names tell them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from laurel_mp.records.tables import arches, uring_ops
from laurel_mp.reversion.added_members import Added, Member

_UNSET = 0xFFFFFFFF
_unknown = re.compile(r"unknown\(([0-9]{1,10})\)").fullmatch
_calls: dict[str, dict[str, int]] = {}

# The field behind the ids, by record type; in other records ids are last.
_FIELD_BEHIND_IDS: Mapping[bytes, bytes] = {b"SYSCALL": b"tty", b"PATH": b"rdev"}


def needed(added: list[Added], raw: list[Member]) -> list[Added]:
    """Returns translations whose raw values are missing.

    Raw values are left out for all translations of a kind or for none: if one exists, the others
    were never in the record.
    """
    written = {key for key, _ in raw}
    kinds = (_is_call, _is_id)
    found: list[Added] = []
    for is_kind in kinds:
        same = [each for each in added if is_kind(each.name) and isinstance(each.value, str)]
        if all(each.name.lower() not in written for each in same):
            found += same
    return [each for each in added if each in found]


def _is_call(name: bytes) -> bool:
    return name in (b"ARCH", b"SYSCALL", b"URING_OP")


def _is_id(name: bytes) -> bool:
    return name.endswith((b"UID", b"GID"))


def restored(added: Added, all_added: list[Added]) -> int | str | None:
    """Returns the raw value of a translation; None if it is unknown."""
    value = str(added.value)
    if added.name == b"ARCH":
        number = arch_of(value)
        return None if number is None else "0x" + number
    if added.name == b"SYSCALL":
        arch = next((str(each.value) for each in all_added if each.name == b"ARCH"), "")
        return _numbers_of_calls(arch).get(value)
    if added.name == b"URING_OP":
        return next((int(n) for n, name in uring_ops.NAMES.items() if name.decode() == value), None)
    if value in ("root", "unset"):  # the same everywhere, unlike all other names
        return 0 if value == "root" else _UNSET
    unknown = _unknown(value)
    return int(unknown[1]) if unknown else None


def insert(raw: list[Member], name: bytes, members: list[Member]) -> list[Member]:
    """Returns `raw` with restored members near their position in a record of type `name`."""
    calls = [each for each in members if _is_call(each[0].upper())]
    ids = [each for each in members if each not in calls]
    following = _FIELD_BEHIND_IDS.get(name)
    indices = [index for index, (key, _) in enumerate(raw) if key == following]
    index = indices[0] if indices else len(raw)
    if not indices and raw and raw[-1][0] == b"msg":
        index -= 1  # `msg=` is the last field of a record
    return [*calls, *raw[:index], *ids, *raw[index:]]


def arch_of(name: str) -> str | None:
    """Returns the number of an architecture in hexadecimal digits."""
    found = (number for number, known in arches.NAMES.items() if known.decode() == name)
    return next((number.decode() for number in found), None)


def _numbers_of_calls(arch: str) -> Mapping[str, int]:
    if arch not in _calls:
        from laurel_mp.records.tables import syscalls

        table = syscalls.NAMES.get(arch.encode(), {})
        _calls[arch] = {name.decode(): int(number) for number, name in table.items()}
    return _calls[arch]

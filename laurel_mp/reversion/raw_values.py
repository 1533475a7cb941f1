"""Raw values that were left out where a translation was made, as far as the names tell them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from laurel_mp.records.tables import arches, uring_ops
from laurel_mp.reversion.added_members import Added, Member

_UNSET = 0xFFFFFFFF
_unknown = re.compile(r"unknown\(([0-9]{1,10})\)").fullmatch
_calls: dict[str, dict[str, int]] = {}

# In front of which field of a record ids stand; in others they come last.
_IDS_STAND_BEFORE: Mapping[bytes, bytes] = {b"SYSCALL": b"tty", b"PATH": b"rdev"}


def needed(added: list[Added], raw: list[Member]) -> list[Added]:
    """Translations that stand for values that are not there themselves.

    Who leaves out some, leaves out all of their kind: if one is there, the others were never.
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
    """The raw value that a translation was made of; None if it does not tell."""
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
    """`raw` with members restored to about where they stood in a record of type `name`."""
    head = [each for each in members if _is_call(each[0].upper())]
    ids = [each for each in members if each not in head]
    anchor = _IDS_STAND_BEFORE.get(name)
    places = [index for index, (key, _) in enumerate(raw) if key == anchor]
    place = places[0] if places else len(raw)
    if not places and raw and raw[-1][0] == b"msg":
        place -= 1  # it is the last thing in its record
    return [*head, *raw[:place], *ids, *raw[place:]]


def arch_of(name: str) -> str | None:
    """The number of an architecture, in hexadecimal digits."""
    found = (number for number, known in arches.NAMES.items() if known.decode() == name)
    return next((number.decode() for number in found), None)


def _numbers_of_calls(arch: str) -> Mapping[str, int]:
    if arch not in _calls:
        from laurel_mp.records.tables import syscalls

        table = syscalls.NAMES.get(arch.encode(), {})
        _calls[arch] = {name.decode(): int(number) for number, name in table.items()}
    return _calls[arch]

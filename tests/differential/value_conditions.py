"""Conditions of differences about single values: numbers, text, addresses, translations."""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from laurel_mp.records.values import class_of
from tests.differential.comparing import MISSING, Change
from tests.differential.programs import Twice


def number_in_quotes(change: Change) -> bool:
    """True if LAUREL writes a decimal as a string."""
    return (
        type(change.ours) is int
        and change.theirs == str(change.ours)
        and class_of(str(change.path[-1]).encode()) in ("numeric", "decimal")
    )


def digits_taken_for_hex(change: Change) -> bool:
    """True if LAUREL decodes digits as hexadecimal text."""
    if not isinstance(change.ours, str | int) or not isinstance(change.theirs, str):
        return False
    digits = re.fullmatch(r"(?:[0-9]{2})+", str(change.ours))
    return digits is not None and unquote_to_bytes(change.theirs) == bytes.fromhex(digits[0])


def question_mark(change: Change) -> bool:
    """True if LAUREL does not write null for a question mark at the end of a message."""
    return "msg" in change.path and change.theirs == "?" and change.ours is None


def bare_hexadecimal(change: Change) -> bool:
    """True if LAUREL does not take digits for a hexadecimal number."""
    if not isinstance(change.ours, str) or not isinstance(change.theirs, str):
        return False
    digits = change.ours.removeprefix("0x")
    if digits == change.ours:
        return False
    return digits in (change.theirs.lower(), unquote_to_bytes(change.theirs).hex())


def name_within_a_message(change: Change) -> bool:
    """True if LAUREL adds no name to an id within a message."""
    if change.comparison.config != "user-db" or change.theirs is not MISSING:
        return False
    if len(change.path) != 2:
        return False
    record, key = map(str, change.path)
    return key.lower() in change.our_event[record].get("msg", {})


def name_of_a_family(change: Change) -> bool:
    """True if LAUREL does not name the family of an address that it cannot decode."""
    return (
        change.comparison.config == "universal"
        and change.path[-1] == "SADDR"
        and change.theirs is MISSING
        and set(change.ours) == {"saddr_fam"}
    )


def quoted_blank(change: Change) -> bool:
    """True if LAUREL keeps the quotes around a value of a message that has a blank."""
    return "msg" in change.path and change.theirs == f'"{change.ours}"' and " " in change.ours


def blank_at_the_end(change: Change) -> bool:
    """True if LAUREL keeps blanks between a value of a message and the closing quote."""
    return (
        "msg" in change.path
        and isinstance(change.theirs, str)
        and change.theirs != change.ours == change.theirs.rstrip(" ")
    )


def _both_names(change: Change) -> tuple[Any, Any]:
    """Values of one added key: LAUREL's without the prefix, ours with it."""
    if change.comparison.config != "prefix" or len(change.path) < 2:
        return MISSING, MISSING
    *path, key = change.path
    theirs: Any = change.their_event
    ours: Any = change.our_event
    for step in path:
        theirs, ours = theirs[step], ours[step]
    name = str(key).lower().removeprefix("added_")
    return theirs.get(name.upper(), MISSING), ours.get(f"added_{name}", MISSING)


def no_prefix(change: Change) -> bool:
    """True if LAUREL leaves out the prefix of an added key."""
    theirs, ours = _both_names(change)
    return theirs is not MISSING and theirs == ours


def cut_arguments(change: Change) -> bool:
    """True if LAUREL cuts a list of arguments in another place, or not at all."""
    if change.path[0] != "EXECVE":
        return False
    theirs, ours = _both_names(change)
    return theirs != ours and any("skipped" in str(each) for each in ours)


def blanks_in_braces(change: Change) -> bool:
    """True if the blanks behind the braces of auditd's SADDR are missing."""
    return (
        change.path[-1:] == ("SADDR",)
        and isinstance(change.ours, str)
        and isinstance(change.theirs, str)
        and change.ours == f"{{ {change.theirs[1:-1]} }}"
    )


def short_unix_address(change: Change) -> bool:
    """True if LAUREL does not decode a unix address of less than full length."""
    if change.path[0] != "SOCKADDR" or change.comparison.config != "universal":
        return False
    if change.path[2:] not in (("saddr",), ("SADDR",)):
        return False
    theirs = change.their_event["SOCKADDR"][change.path[1]]
    ours = change.our_event["SOCKADDR"][change.path[1]]
    raw = unquote_to_bytes(theirs.get("saddr", ""))
    if "path" not in ours["SADDR"]:
        return False
    path = unquote_to_bytes(ours["SADDR"]["path"])
    return (
        len(raw) < 110  # sizeof(struct sockaddr_un)
        and raw[:2] == b"\1\0"
        and ours["SADDR"]["saddr_fam"] == "local"
        and (path == raw[2:].split(b"\0")[0] or path == b"@" + raw[3:])
        and "saddr" not in ours
    )


def empty_word(change: Change) -> bool:
    """True if LAUREL does not split a process title at empty words."""
    return (
        change.path == ("PROCTITLE", "ARGV")
        and "" in change.ours
        and unquote_to_bytes("\0".join(change.theirs)) == "\0".join(change.ours).encode()
    )


def key_twice(change: Change) -> bool:
    """True if LAUREL writes auditd's translation and its own under one key."""
    return (
        change.comparison.config == "user-db"
        and isinstance(change.theirs, Twice)
        and _is_name_of_an_id(change.path[-1])
        and change.theirs[-1] == change.ours
    )


def minus_one(change: Change) -> bool:
    """True if LAUREL does not take -1 for unset."""
    return (
        change.comparison.config == "user-db"
        and change.theirs in ("unknown(-1)", ["unset", "unknown(-1)"])
        and change.ours == "unset"
        and _is_name_of_an_id(change.path[-1])
    )


def syscall_of_another_record(change: Change) -> bool:
    """True if auditd could not name the system call of a SECCOMP record."""
    return (
        change.comparison.config == "universal"
        and change.path[0] == "SECCOMP"
        and change.path[2:] == ("SYSCALL",)
        and change.theirs == "unknown-syscall(-1)"
    )


def names_of_another_host(change: Change) -> bool:
    """True if LAUREL names an id of another host as this one does."""
    return (
        change.comparison.config == "user-db"
        and change.key[0] is not None
        and _is_name_of_an_id(change.path[-1])
        and isinstance(change.theirs, Twice)
        and change.theirs[0] == change.ours
    )


def _is_name_of_an_id(key: str | int) -> bool:
    return isinstance(key, str) and key.endswith(("UID", "GID"))

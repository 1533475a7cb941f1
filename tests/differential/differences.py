"""Every way in which our output may differ from that of Debian's laurel 0.5.1, and why.

This is the only place. An entry that explains nothing any more fails a test, and so does a
difference that no entry explains.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from laurel_mp.records.types import is_kernel
from laurel_mp.records.values import class_of
from tests.differential.comparing import MISSING, Change
from tests.differential.programs import Event, Twice


@dataclass(frozen=True)
class Difference:
    """One allowed difference."""

    name: str
    reason: str
    applies: Callable[[Change], bool]


_CONTEXT = (("SYSCALL", "PID"), ("SYSCALL", "PPID"), ("PARENT_INFO",))
_TWIN = {"EVENT_ID", "comm", "exe", "ppid"}


# --- processes


def _keys(change: Change) -> bool:
    keys = change.our_event.get("SYSCALL", {}).get("key") or ""
    return (
        change.path == ("SYSCALL", "KEYS")
        and change.theirs is MISSING
        and len(change.ours) > 1
        and "%01".join(change.ours) == keys
    )


def _instance(change: Change) -> str | None:
    """The id of the process instance that our side names where laurel names none."""
    if change.theirs is not MISSING or change.path not in _CONTEXT:
        return None
    found: str = change.ours["ID" if change.path == ("PARENT_INFO",) else "EVENT_ID"]
    return found


def _is_exec(syscall: Event) -> bool:
    return syscall.get("syscall") in (59, 322)  # execve and execveat: all captures are of x86_64


def _first_event_starts_an_instance(change: Change) -> bool:
    found = _instance(change)
    syscall = change.our_syscall(found)
    return found is not None and bool(syscall) and not (_is_exec(syscall) and _succeeded(syscall))


def _succeeded(syscall: Event) -> bool:
    return bool(syscall["success"] == "yes")


def _failed_exec(change: Change) -> bool:
    if change.path != ("SYSCALL", "PID", "EVENT_ID") or change.theirs is MISSING:
        return False
    theirs = change.our_syscall(change.theirs)
    ours = change.our_syscall(change.ours)
    same_process = ours.get("pid") == theirs.get("pid") == change.our_event["SYSCALL"]["pid"]
    return same_process and _is_exec(theirs) and not _succeeded(theirs)


def _is_instance(change: Change, context: Event) -> bool:
    """True if a process has the facts of the event that started its instance."""
    syscall = change.our_syscall(context.get("EVENT_ID", context.get("ID")))
    return all(context[key] == syscall.get(key) for key in ("pid", "comm", "exe") if key in context)


def _spawned_by(change: Change) -> bool:
    return (
        change.path == ("SYSCALL", "SPAWNED_BY")
        and change.theirs is MISSING
        and set(change.ours) == {"EVENT_ID", "pid", "comm", "exe"}
        and _is_instance(change, change.ours)
    )


def _terse_ppid(change: Change) -> bool:
    return (
        change.comparison.config != "verbose"
        and change.path[:2] == ("SYSCALL", "PPID")
        and change.path[2:] in (("comm",), ("exe",), ("ppid",))
        and change.ours is MISSING
    )


def _parent_info(change: Change) -> bool:
    return (
        change.comparison.config != "verbose"
        and change.path == ("PARENT_INFO",)
        and change.theirs is MISSING
        and set(change.ours) == {"ID", "comm", "exe", "ppid"}
        and change.ours["ID"] == change.our_event["SYSCALL"]["PPID"]["EVENT_ID"]
        and _is_instance(change, change.ours)
    )


def _process_of_another_record(change: Change) -> bool:
    key = str(change.path[-1])
    if change.theirs is not MISSING or not key.endswith("PID") or change.path[0] == "SYSCALL":
        return False
    record: Any = change.our_event
    for step in change.path[:-1]:
        record = record[step]
    pid = record.get(key.lower())
    return (
        set(change.ours) == _TWIN
        and pid == change.our_syscall(change.ours["EVENT_ID"]).get("pid")
        and _is_instance(change, change.ours)
    )


# --- values


def _number_in_quotes(change: Change) -> bool:
    return (
        type(change.ours) is int
        and change.theirs == str(change.ours)
        and class_of(str(change.path[-1]).encode()) in ("numeric", "decimal")
    )


def _digits_taken_for_hex(change: Change) -> bool:
    if not isinstance(change.ours, str) or not isinstance(change.theirs, str):
        return False
    digits = re.fullmatch(r"(?:[0-9]{2})+", change.ours)
    return digits is not None and unquote_to_bytes(change.theirs) == bytes.fromhex(digits[0])


def _blanks_in_braces(change: Change) -> bool:
    return (
        change.path[-1:] == ("SADDR",)
        and isinstance(change.ours, str)
        and isinstance(change.theirs, str)
        and change.ours == f"{{ {change.theirs[1:-1]} }}"
    )


def _short_unix_address(change: Change) -> bool:
    if change.path[0] != "SOCKADDR" or change.comparison.config != "universal":
        return False
    if change.path[2:] not in (("saddr",), ("SADDR",)):
        return False
    theirs = change.their_event["SOCKADDR"][change.path[1]]
    ours = change.our_event["SOCKADDR"][change.path[1]]
    raw = unquote_to_bytes(theirs.get("saddr", ""))
    path = unquote_to_bytes(ours["SADDR"]["path"])
    return (
        len(raw) < 110  # sizeof(struct sockaddr_un)
        and raw[:2] == b"\1\0"
        and ours["SADDR"]["saddr_fam"] == "local"
        and (path == raw[2:].split(b"\0")[0] or path == b"@" + raw[3:])
        and "saddr" not in ours
    )


def _empty_word(change: Change) -> bool:
    return (
        change.path == ("PROCTITLE", "ARGV")
        and "" in change.ours
        and unquote_to_bytes("\0".join(change.theirs)) == "\0".join(change.ours).encode()
    )


# --- records


def _is_user_space(change: Change) -> bool:
    record = str(change.path[0])
    return not is_kernel(record.encode(), b" msg='")


def _message_as_a_string(change: Change) -> bool:
    """Laurel's string must hold all that our object does."""
    return (
        change.path[1:] == ("msg",)
        and _is_user_space(change)
        and type(change.theirs) is str
        and isinstance(change.ours, dict)
        and _spells(unquote_to_bytes(change.theirs), change.ours)
    )


def _spells(text: bytes, message: Event) -> bool:
    for key, value in message.items():
        if key in ("denied", "granted"):
            words = [f"{{ {' '.join(value)} }}".encode()]
        elif value is None:
            words = [f"{key}=?".encode()]
        else:
            raw = unquote_to_bytes(str(value))
            words = [key.encode() + b"=" + form for form in _written(raw)]
        if not any(word in text for word in words):
            return False
    return True


def _written(value: bytes) -> list[bytes]:
    return [value, b'"%b"' % value, value.hex().upper().encode()]


def _message_cut_at_a_quote(change: Change) -> bool:
    if len(change.path) != 2 or not _is_user_space(change):
        return False
    record, key = map(str, change.path)
    theirs, ours = change.their_event[record], change.our_event[record]
    return (
        isinstance(theirs.get("msg"), Twice)
        and (key == "msg" or (key not in ours and key in ours["msg"]))
        and any(str(value).endswith("'") for value in ours["msg"].values())
    )


def _refused(change: Change) -> bool:
    return (
        len(change.path) == 1
        and change.theirs is MISSING
        and change.key[1] in change.comparison.theirs.refused
    )


def _incomplete(change: Change) -> bool:
    if change.path != ("INCOMPLETE",) or change.theirs is not MISSING:
        return False
    event = change.our_event
    missing = event["SYSCALL"]["items"] - len(event.get("PATH", ()))
    return set(change.ours) <= {"no-eoe", "missing-path"} and (
        ("missing-path" in change.ours) == (missing > 0)
    )


# --- translations


def _key_twice(change: Change) -> bool:
    return (
        change.comparison.config == "user-db"
        and isinstance(change.theirs, Twice)
        and _is_name_of_an_id(change.path[-1])
        and change.theirs[-1] == change.ours
    )


def _minus_one(change: Change) -> bool:
    return (
        change.comparison.config == "user-db"
        and change.theirs in ("unknown(-1)", ["unset", "unknown(-1)"])
        and change.ours == "unset"
        and _is_name_of_an_id(change.path[-1])
    )


def _syscall_of_another_record(change: Change) -> bool:
    return (
        change.comparison.config == "universal"
        and change.path[0] == "SECCOMP"
        and change.path[2:] == ("SYSCALL",)
        and change.theirs == "unknown-syscall(-1)"
    )


def _names_of_another_host(change: Change) -> bool:
    """Laurel adds the local name to auditd's own translation, which is all that we show."""
    return (
        change.comparison.config == "user-db"
        and change.key[0] is not None
        and _is_name_of_an_id(change.path[-1])
        and isinstance(change.theirs, Twice)
        and change.theirs[0] == change.ours
    )


def _is_name_of_an_id(key: str | int) -> bool:
    return isinstance(key, str) and key.endswith(("UID", "GID"))


DIFFERENCES = (
    Difference(
        "KEYS",
        "Several keys of one rule come as one string; we list them, laurel does not.",
        _keys,
    ),
    Difference(
        "first event starts an instance",
        "Laurel knows a process from its exec on, we know it from its first event on.",
        _first_event_starts_an_instance,
    ),
    Difference(
        "failed exec",
        "For laurel an exec that failed starts a new program; for us it changes nothing.",
        _failed_exec,
    ),
    Difference(
        "SPAWNED_BY",
        "What a process was before its exec, or else its parent: newer than 0.5.1.",
        _spawned_by,
    ),
    Difference(
        "terse PPID",
        "comm, exe and ppid of the parent are shown with `ppid-verbose` only, as in newer laurels.",
        _terse_ppid,
    ),
    Difference(
        "PARENT_INFO by default",
        "PARENT_INFO is on by default, beside the newer PID, PPID and SPAWNED_BY.",
        _parent_info,
    ),
    Difference(
        "processes in other records",
        "Each `…pid` field of any record gets its process; 0.5.1 leaves out `pid` and `ppid`.",
        _process_of_another_record,
    ),
    Difference(
        "numbers",
        "A value of a numeric class that reads as a decimal is a JSON number, also of classes and "
        "fields that 0.5.1 does not know.",
        _number_in_quotes,
    ),
    Difference(
        "digits are no hex string",
        "A value of digits alone is not decoded as a hex string: it takes a letter among them.",
        _digits_taken_for_hex,
    ),
    Difference(
        "blanks in auditd's SADDR",
        "auditd's own translations are kept as they are; laurel takes blanks out of this one.",
        _blanks_in_braces,
    ),
    Difference(
        "short unix addresses",
        "Addresses are decoded as far as their length holds them; laurel wants all 110 bytes.",
        _short_unix_address,
    ),
    Difference(
        "empty words in PROCTITLE",
        "A process title is split at each NUL byte, so that empty arguments are seen.",
        _empty_word,
    ),
    Difference(
        "msg is an object",
        "What user space writes in msg='…' is decoded into an object; in 0.5.1 it is a string.",
        _message_as_a_string,
    ),
    Difference(
        "msg up to the last quote",
        "msg='…' ends at its last quote: a quote inside cannot forge fields.",
        _message_cut_at_a_quote,
    ),
    Difference(
        "no record is refused",
        "Records with odd words, quotes or braces are kept; laurel drops them with a complaint.",
        _refused,
    ),
    Difference(
        "INCOMPLETE",
        "Events that lack records or their end say so.",
        _incomplete,
    ),
    Difference(
        "no key comes twice",
        "If both auditd and we translate an id, our name is shown; laurel writes the key twice.",
        _key_twice,
    ),
    Difference(
        "-1 is unset",
        "An id of -1 is 4294967295 as a signed number, which is `unset`.",
        _minus_one,
    ),
    Difference(
        "system calls in other records",
        "SECCOMP names architecture and call, so we translate it; auditd misses the architecture.",
        _syscall_of_another_record,
    ),
    Difference(
        "no local names for other hosts",
        "Ids of other hosts mean nothing here, so auditd's own translation of them is kept.",
        _names_of_another_host,
    ),
)


def explain(change: Change) -> str | None:
    """The name of the first entry that allows `change`."""
    for difference in DIFFERENCES:
        if difference.applies(change):
            return difference.name
    return None

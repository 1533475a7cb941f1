"""Conditions of differences about whole records and events, and messages of user space."""

from typing import Any
from urllib.parse import unquote_to_bytes

from laurel_mp.records.types import is_kernel
from tests.differential.comparing import MISSING, Change
from tests.differential.programs import Event, Twice


def _is_user_space(change: Change) -> bool:
    record = str(change.path[0])
    return not is_kernel(record.encode(), b" msg='")


def message_as_a_string(change: Change) -> bool:
    """True if LAUREL's string holds all that our object does."""
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
            words = [f"{key}=?".encode(), f"{key}=(null)".encode()]
        elif key == "UNPARSED":
            words = [value.encode()]
        else:
            raw = unquote_to_bytes(str(value))
            words = [key.encode() + b"=" + form for form in _written(raw)]
        if not any(word in text for word in words):
            return False
    return True


def _written(value: bytes) -> list[bytes]:
    return [value, b'"%b"' % value, value.hex().upper().encode()]


def access_vector(change: Change) -> bool:
    """True if LAUREL keeps the permissions of an AVC message of user space as text."""
    *path, key = change.path
    if path[-1:] != ["msg"] or key not in ("avc", "denied", "granted"):
        return False
    theirs: Any = change.their_event
    ours: Any = change.our_event
    for step in path:
        theirs, ours = theirs[step], ours[step]
    verdict = next((each for each in ("denied", "granted") if each in ours), "")
    return verdict != "" and verdict in theirs.get("avc", "")


def message_cut_at_a_quote(change: Change) -> bool:
    """True if LAUREL ends a message at a quote within it."""
    if len(change.path) != 2 or not _is_user_space(change):
        return False
    record, key = map(str, change.path)
    theirs, ours = change.their_event[record], change.our_event[record]
    return (
        isinstance(theirs.get("msg"), Twice)
        and (key == "msg" or (key not in ours and key in ours["msg"]))
        and any(str(value).endswith("'") for value in ours["msg"].values())
    )


def word_with_a_colon(change: Change) -> bool:
    """True if LAUREL takes the first word of a message, which ends in a colon, for a key."""
    if len(change.path) != 3 or change.path[1] != "msg":
        return False
    record, key = str(change.path[0]), change.path[2]
    theirs, ours = change.their_event[record]["msg"], change.our_event[record]["msg"]
    word, colon, rest = ours.get("UNPARSED", "").partition(":")
    if not colon or word not in theirs:
        return False
    return key in (word, "UNPARSED") or f"{key}={change.ours}" == theirs[word] or key in rest


def type_of_an_unknown_record(change: Change) -> bool:
    """True if LAUREL has no name for the type of a record, and writes its number in brackets."""
    if len(change.path) != 1:
        return False
    theirs = [name for name in change.their_event if name.startswith("UNKNOWN[")]
    ours = [name for name in change.our_event if name not in change.their_event]
    return any(
        change.path[0] in (their_name, our_name)
        and _fields(change.their_event[their_name]) == _fields(change.our_event[our_name])
        for their_name in theirs
        for our_name in ours
    )


def _fields(records: Any) -> Any:
    """Records without added members."""
    if not isinstance(records, list):
        return None
    return [{key: each[key] for key in each if not str(key).isupper()} for each in records]


def no_argument(change: Change) -> bool:
    """True if LAUREL lists the argument that the kernel writes for an empty list."""
    return (
        change.path in (("EXECVE", "ARGV"), ("EXECVE", "ARGV_STR"), ("EXECVE", "a0"))
        and change.our_event["EXECVE"].get("argc") == 0
        and change.their_event["EXECVE"]["ARGV"] == [change.our_event["EXECVE"]["a0"]]
    )


def refused(change: Change) -> bool:
    """True if LAUREL has refused a record of the event."""
    return (
        len(change.path) == 1
        and change.theirs is MISSING
        and change.key[1] in change.comparison.theirs.refused
    )


def incomplete(change: Change) -> bool:
    """True if we mark an event that lacks records or its end."""
    if change.path != ("INCOMPLETE",) or change.theirs is not MISSING:
        return False
    event = change.our_event
    missing = event["SYSCALL"]["items"] - len(event.get("PATH", ()))
    return set(change.ours) <= {"no-eoe", "missing-path"} and (
        ("missing-path" in change.ours) == (missing > 0)
    )

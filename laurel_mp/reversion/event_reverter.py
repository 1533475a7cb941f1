"""Converts an event's object back to its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import orjson

from laurel_mp.formats import native
from laurel_mp.records import header, types
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.sockaddr import is_big_endian
from laurel_mp.reversion import execve_reverter, raw_values
from laurel_mp.reversion.added_members import Object
from laurel_mp.reversion.losses import Losses
from laurel_mp.reversion.record_reverter import RecordReverter
from laurel_mp.reversion.spellings import Json, text_of

_is_id = re.compile(header.ID).fullmatch
_ID, _NODE = native.ID.decode(), native.NODE.decode()
_is_node = re.compile(header.NODE).fullmatch
_is_type = re.compile(header.TYPE).fullmatch


class Lines(NamedTuple):
    """The lines of an event."""

    text: bytes
    seconds: int
    """Seconds of its time stamp."""
    ended: bool
    """False if the event was given up without its end, or cut."""


class Damaged(ValueError):  # noqa: N818 - a fact about a line, which is counted
    """Raised for a line without an event; the text has the reason."""


class EventReverter:
    """Writes events; without `eoe`, as in auditd's log files, without EOE records."""

    def __init__(
        self, prefix: bytes | None = None, *, enriched: bool = True, eoe: bool = True
    ) -> None:
        self.losses = Losses()
        self._options = RecordOptions(prefix=prefix, look_up_pids=False)
        self._records = RecordReverter(self._options, self.losses, enriched=enriched)
        self._keys = self._records.keys
        self._eoe = eoe
        added = self._keys.added
        self._incomplete = added(native.INCOMPLETE)
        self._repeated = added(native.REPEATED)
        self._note = added(native.NOTE)
        self._left_out = frozenset([_ID, _NODE] + [added(name) for name in native.ADDED])
        self._only_live = {
            "SYSCALL": [added(name) for name in (b"LABELS", b"UID_GROUPS", b"EXE_HASH")],
            "EXECVE": [added(b"ENV")],
        }
        self._container = added(native.CONTAINER_INFO)
        self._pid = added(b"PID")

    def revert(self, line: bytes) -> Lines | None:
        """Returns the lines for one line of output; None for a report of laurel-mp.

        Text in front of the object is skipped. Raises Damaged.
        """
        event = _decoded(line)
        if self._note in event:
            self.losses.notes += 1
            return None
        id_, node = _identity(event)
        start = b"type=" if node is None else b"node=%b type=" % node
        middle = b" msg=audit(%b): " % id_
        reasons = event.get(self._incomplete) or []
        is_kernel = False
        text = []
        for name, body in self._bodies(event, "missing-args" in reasons):
            is_kernel = is_kernel or types.is_kernel(name, body)
            text.append(start + types.written(name) + middle + body + b"\n")
        ended = not {"no-eoe", "cut"} & set(reasons)
        if is_kernel and ended and self._eoe:
            text.append(start + b"EOE" + middle + b"\n")
        if "cut" in reasons:
            self.losses.cut += 1
        if self._has_context(event):
            self.losses.context += 1
        return Lines(b"".join(text), int(id_.partition(b".")[0]), ended)

    def _bodies(self, event: Object, incomplete: bool) -> Iterator[tuple[bytes, bytes]]:
        """Yields type and body of each record."""
        big_endian = _is_big_endian(event.get("SYSCALL"), self._keys.added(b"ARCH"))
        found = [(key, value) for key, value in event.items() if key not in self._left_out]
        for repeated in event.get(self._repeated) or []:
            if not isinstance(repeated, dict):
                raise Damaged(f"{self._repeated} holds something else than records")
            found += repeated.items()
        for key, value in found:
            name = text_of(key.removeprefix("type="))
            if not _is_type(name):
                raise Damaged(f"no record can have the type {key[:80]!r}")
            for each in value if isinstance(value, list) else [value]:
                if not isinstance(each, dict):
                    raise Damaged(f"{key[:80]} is no record")
                if name == b"EXECVE":
                    for body in self._execve(event, each, incomplete):
                        yield name, body
                else:
                    yield name, self._records.body(name, each, big_endian=big_endian)

    def _execve(self, event: Object, found: Object, incomplete: bool) -> list[bytes]:
        title = event.get("PROCTITLE")
        words = title.get(self._keys.added(b"ARGV")) if isinstance(title, dict) else None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            words = None
        written = execve_reverter.revert(found, self._keys, words, incomplete=incomplete)
        if not written.is_whole:
            self.losses.arguments += 1
        elif not execve_reverter.matches(written.bodies, found, self._list_options(found)):
            self.losses.inexact += 1
        return written.bodies

    def _list_options(self, found: Object) -> RecordOptions:
        """Returns the options that give the same form of arguments as an EXECVE object has."""
        array, string = (self._keys.added(name) in found for name in (b"ARGV", b"ARGV_STR"))
        return replace(self._options, argv_array=array, argv_string=string)

    def _has_context(self, event: Object) -> bool:
        """True if the event has members that a conversion of its lines cannot restore."""
        if self._container in event:
            return True
        for name, keys in self._only_live.items():
            record = event.get(name)
            if isinstance(record, dict) and any(key in record for key in keys):
                return True
        syscall = event.get("SYSCALL")
        process = syscall.get(self._pid) if isinstance(syscall, dict) else None
        return isinstance(process, dict) and not process.keys() <= {"EVENT_ID"}


def _decoded(line: bytes) -> Object:
    start = line.find(b"{")
    if start < 0:
        raise Damaged("no JSON object")
    try:
        event: Json = orjson.loads(line[start:])
    except orjson.JSONDecodeError as error:
        raise Damaged(f"no valid JSON: {error}") from None
    if not isinstance(event, dict):
        raise Damaged("no JSON object")
    return event


def _identity(event: Object) -> tuple[bytes, bytes | None]:
    """Returns id and node; raises Damaged."""
    id_ = event.get(_ID)
    if not isinstance(id_, str) or not id_.isascii() or not _is_id(id_.encode("ascii")):
        raise Damaged("no ID of an audit event")
    node = event.get(_NODE)
    if node is None:
        return id_.encode("ascii"), None
    if not isinstance(node, str) or not _is_node(text_of(node)):
        raise Damaged("NODE is no name of a host")
    return id_.encode("ascii"), text_of(node)


def _is_big_endian(syscall: Json, key: str) -> bool:
    """True if the architecture in a SYSCALL object is big-endian."""
    if not isinstance(syscall, dict):
        return False
    number = syscall.get("arch")
    if number is None and key in syscall:
        number = raw_values.arch_of(str(syscall[key]))
    return number is not None and is_big_endian(str(number).encode())

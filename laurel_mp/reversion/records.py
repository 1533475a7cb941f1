"""A record's object back into what stands behind the header of its line.

What is written is read again: only what says the same as the object counts as exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from laurel_mp.events.syscall import SyscallRenderer
from laurel_mp.records import types
from laurel_mp.records.options import RecordOptions
from laurel_mp.records.record import RecordRenderer
from laurel_mp.reversion import addresses, fields, raw_values
from laurel_mp.reversion.losses import Losses
from laurel_mp.reversion.members import Added, Keys, Member, Object
from laurel_mp.reversion.values import Json, Token, Writer, call_argument, encoded, field, text_of

MOST_REMEMBERED = 1 << 14
"""Records of which the bodies are remembered."""

MOST_BYTES = 1 << 12
"""Of such a record."""

# What is added to SYSCALL records, and comes back when the lines are converted again.
_OF_PROCESSES = frozenset(b"PID PPID SPAWNED_BY LABELS SCRIPT EXE_HASH KEYS UID_GROUPS".split())
_BEFORE_ARGUMENTS = frozenset(b"arch syscall per success exit".split())


class _Sorted(NamedTuple):
    """An object, taken apart for writing."""

    raw: list[Member]
    translations: list[Added]
    left_out: set[str]
    """Keys of members that are not written."""
    restored: set[str]
    """Keys of members that are written though they are not there."""


class RecordReverter:
    """Writes records. It remembers some: most records of a stream have been there before."""

    def __init__(self, options: RecordOptions, losses: Losses, *, enriched: bool) -> None:
        self.keys = Keys(options)
        self._losses = losses
        self._enriched = enriched
        self._renderer = RecordRenderer(options)
        self._syscalls = SyscallRenderer(self._renderer, 1 << 18, 1 << 18)
        self._remembered: dict[tuple[bytes, bytes, bool], bytes] = {}

    def body(self, name: bytes, found: Object, *, big_endian: bool = False) -> bytes:
        """The body of a record of type `name`, which is not EXECVE."""
        key = (name, orjson.dumps(found), big_endian)
        known = self._remembered.get(key)
        if known is not None:
            return known
        before = self._losses.all()
        body = self._write(name, found, big_endian)
        # What is lost is to be counted each time.
        if self._losses.all() == before and len(key[1]) <= MOST_BYTES:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = body
        return body

    def _write(self, name: bytes, found: Object, big_endian: bool) -> bytes:
        sorted_ = self._sort(name, found, big_endian)
        expected = {key: found[key] for key in found if key not in sorted_.left_out}
        first = None
        for body in self._ways(name, sorted_):
            first = body if first is None else first
            rendered: dict[str, Json] = orjson.loads(self._read(name, body))
            for key in (*sorted_.restored, *sorted_.left_out):
                rendered.pop(key, None)
            if orjson.dumps(rendered) == orjson.dumps(expected):
                return body
        self._losses.inexact += 1
        return first or b""

    def _read(self, name: bytes, body: bytes) -> bytes:
        """The record's object, as it is rendered without anything that is configured."""
        if name == b"SYSCALL":
            return b"{" + self._syscalls.render(body).text + b"}"
        return self._renderer.render_generally(name, body).text

    # --- taking apart

    def _sort(self, name: bytes, found: Object, big_endian: bool) -> _Sorted:
        raw, added = self.keys.split(found)
        left_out: set[str] = set()
        restored: list[Member] = []
        translations: list[Added] = []
        behind: list[Member] = []
        for place, each in enumerate(added):
            if name == b"SYSCALL" and each.name == b"ARGV" and isinstance(each.value, list):
                raw = _with_arguments(raw, each.value)
            elif name == b"PROCTITLE" and each.name == b"ARGV" and isinstance(each.value, list):
                behind += [(b"proctitle", _title(words)) for words in _lists(each.value)]
            elif each.name == b"UNPARSED" and place == 0 and each.value:
                first, *rest = each.value if isinstance(each.value, list) else [each.value]
                raw = [*raw, (self.keys.unparsed, first)]
                translations += [each._replace(value=other) for other in rest]
            elif isinstance(each.value, dict):
                left_out.add(each.key)
                if each.name == b"SADDR" and (raw_address := self._address(each.value, big_endian)):
                    behind.append((b"saddr", raw_address))
            elif name == b"SYSCALL" and each.name in _OF_PROCESSES:
                left_out.add(each.key)
            else:
                translations.append(each)
                if raw_values.is_needed(each, raw):
                    value = raw_values.restored(each, added)
                    if value is None:
                        self._losses.values += 1
                    else:
                        restored.append((each.name.lower(), value))
        raw = raw_values.insert([*raw, *behind], name, restored)
        if not self._enriched:
            self._losses.translations += len(translations)
            left_out |= {each.key for each in translations}
            translations = []
        keys = {key.decode() for key, _ in restored}
        keys |= {key.decode() for key, _ in behind if key == b"saddr"}
        return _Sorted(raw, translations, left_out, keys)

    def _address(self, decoded: Object, big_endian: bool) -> Token | None:
        """The raw value of an address."""
        raw = addresses.encode(decoded, big_endian=big_endian)
        if raw is None:
            self._losses.values += 1
            return None
        return Token(raw.hex().upper().encode("ascii"))

    # --- putting together

    def _ways(self, name: bytes, found: _Sorted) -> Iterator[bytes]:
        """Bodies that may say what was found; the first is the one that is most likely."""
        raw = found.raw
        message: Json = None
        may_have_message = types.number_of(name) is None or not types.is_kernel(name, b"")
        if may_have_message and raw and raw[-1][0] == b"msg" and raw[-1][1] is not None:
            *raw, (_, message) = raw
        writer = Writer.APPARMOR if any(key == b"apparmor" for key, _ in raw) else Writer.KERNEL
        text = fields.text(raw, writer, self.keys.unparsed, name)
        tail = self._tail(found.translations)
        for line in text.lines():
            for inside in self._messages(message):
                yield b" ".join([part for part in (line, inside) if part]) + tail

    def _messages(self, message: Json) -> Iterator[bytes]:
        if message is None:
            yield b""
        elif not isinstance(message, dict):
            yield b"msg='" + text_of(str(message)) + b"'"
        else:
            members = [(key.encode(), value) for key, value in message.items()]
            text = fields.text(members, Writer.PROGRAM, self.keys.unparsed)
            for inside in text.lines():
                yield b"msg='" + inside + b"'"

    def _tail(self, translations: list[Added]) -> bytes:
        """What auditd writes behind a record."""
        written = []
        for each in translations:
            values = each.value if isinstance(each.value, list) else [each.value]
            if each.name == b"UNPARSED":
                written += [text_of(str(value)) for value in values]
            else:
                written += [field(each.name, value, Writer.AUDITD) for value in values]
        return b"\x1d" + b" ".join(written) if written else b""


def _lists(value: list[Json]) -> list[list[Json]]:
    """The lists that a key stands for, which holds a list of them if it has come again."""
    return value if value and isinstance(value[0], list) else [value]


def _title(words: list[Json]) -> Token:
    return Token(encoded(b"\0".join([text_of(str(word)) for word in words])))


def _with_arguments(raw: list[Member], values: list[Json]) -> list[Member]:
    """`raw` with `a0` to `a3` where the kernel has them."""
    place = 0
    while place < len(raw) and raw[place][0] in _BEFORE_ARGUMENTS:
        place += 1
    named = [(b"a%d" % min(index, 3), call_argument(value)) for index, value in enumerate(values)]
    return [*raw[:place], *named, *raw[place:]]

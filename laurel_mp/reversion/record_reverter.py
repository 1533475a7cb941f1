"""Converts a record's object back to the body of its line.

Each body is rendered again: only if that gives the object, the body counts as exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from laurel_mp.events.rendering.syscall import SyscallRenderer
from laurel_mp.records import types
from laurel_mp.records.record import RecordRenderer
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.reversion import addresses, field_text, raw_values
from laurel_mp.reversion.added_members import Added, Keys, Member, Members, Object
from laurel_mp.reversion.losses import Losses
from laurel_mp.reversion.spellings import (
    Json,
    Token,
    Writer,
    call_argument,
    encoded,
    field,
    text_of,
)

MOST_REMEMBERED = 1 << 14
"""Cached bodies."""

MOST_BYTES = 1 << 12
"""Bytes of a record whose body is cached, at most."""

# Members added to SYSCALL records besides objects. A conversion of the lines restores them.
_OF_PROCESSES = {
    b"LABELS": list,
    b"KEYS": list,
    b"UID_GROUPS": list,
    b"SCRIPT": str,
    b"EXE_HASH": str,
}
_BEFORE_ARGUMENTS = frozenset(b"arch syscall per success exit".split())


class _Sorted(NamedTuple):
    """The members of an object by the way to write them."""

    raw: list[Member]
    translations: list[Added]
    left_out: set[str]
    """Keys of members that are not written."""
    restored: set[str]
    """Keys of written members that the object does not have."""
    lost: int
    """Number of raw values that cannot be restored."""
    translated: int
    """Number of translations, written or not."""


class RecordReverter:
    """Writes records, with a cache: most records of a stream repeat."""

    def __init__(self, options: RecordOptions, losses: Losses, *, enriched: bool) -> None:
        self.keys = Keys(options)
        self._losses = losses
        self._enriched = enriched
        self._renderer = RecordRenderer(options)
        self._syscalls = SyscallRenderer(self._renderer, 1 << 18, 1 << 18)
        self._remembered: dict[tuple[bytes, bytes, bool], bytes] = {}

    def body(self, name: bytes, found: Object, *, big_endian: bool = False) -> bytes:
        """Returns the body of a record of type `name`; not for EXECVE records."""
        key = (name, orjson.dumps(found), big_endian)
        known = self._remembered.get(key)
        if known is not None:
            return known
        before = self._losses.all()
        body = self._write(name, found, big_endian)
        # Records with losses are not cached: losses are counted each time.
        if self._losses.all() == before and len(key[1]) <= MOST_BYTES:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = body
        return body

    def _write(self, name: bytes, found: Object, big_endian: bool) -> bytes:
        first: _Sorted | None = None
        for members in self.keys.splits(found):
            sorted_ = self._sort(name, members, big_endian)
            first = first or sorted_
            expected = {key: found[key] for key in found if key not in sorted_.left_out}
            for body in self._ways(name, sorted_):
                if self._matches(name, body, sorted_, expected):
                    self._count(sorted_)
                    return body
        assert first is not None
        self._count(first)
        self._losses.inexact += 1
        return next(self._ways(name, first))

    def _matches(self, name: bytes, body: bytes, sorted_: _Sorted, expected: Object) -> bool:
        """True if `body` renders as the object."""
        rendered: dict[str, Json] = orjson.loads(self._read(name, body))
        for key in (*sorted_.restored, *sorted_.left_out):
            rendered.pop(key, None)
        return orjson.dumps(rendered) == orjson.dumps(expected)

    def _count(self, sorted_: _Sorted) -> None:
        self._losses.values += sorted_.lost
        if not self._enriched:
            self._losses.translations += sorted_.translated

    def _read(self, name: bytes, body: bytes) -> bytes:
        """Returns the record's object, rendered with default options."""
        if name == b"SYSCALL":
            return b"{" + self._syscalls.render(body).text + b"}"
        return self._renderer.render_generally(name, body).text

    # --- taking apart

    def _sort(self, name: bytes, members: Members, big_endian: bool) -> _Sorted:
        raw, added = members
        if name == b"PROCTITLE":
            raw, added = _with_titles(raw, added, self.keys.added(b"ARGV"))
        left_out: set[str] = set()
        translations: list[Added] = []
        address: list[Member] = []
        lost = 0
        for each in added:
            if name == b"SYSCALL" and each.name == b"ARGV" and isinstance(each.value, list):
                raw = _with_arguments(raw, each.value)
            elif isinstance(each.value, dict):
                left_out.add(each.key)
                if each.name == b"SADDR":
                    token = _address(each.value, big_endian)
                    address += [] if token is None else [(b"saddr", token)]
                    lost += token is None
            elif name == b"SYSCALL" and type(each.value) is _OF_PROCESSES.get(each.name):
                left_out.add(each.key)
            else:
                translations.append(each)
        restored: list[Member] = []
        for each in raw_values.needed(translations, raw):
            value = raw_values.restored(each, added)
            restored += [] if value is None else [(each.name.lower(), value)]
            lost += value is None
        raw = raw_values.insert([*raw, *address], name, restored)
        translated = len(translations)
        if not self._enriched:
            left_out |= {each.key for each in translations}
            translations = []
        keys = {key.decode() for key, _ in (*restored, *address)}
        return _Sorted(raw, translations, left_out, keys, lost, translated)

    # --- putting together

    def _ways(self, name: bytes, found: _Sorted) -> Iterator[bytes]:
        """Yields possible bodies, the most likely one first."""
        raw = found.raw
        message: Json = None
        may_have_message = types.number_of(name) is None or not types.is_kernel(name, b"")
        if may_have_message and raw and raw[-1][0] == b"msg" and raw[-1][1] is not None:
            *raw, (_, message) = raw
        writer = Writer.APPARMOR if any(key == b"apparmor" for key, _ in raw) else Writer.KERNEL
        text = field_text.text(raw, writer, self.keys.unparsed, name)
        translations = self._translations(found.translations)
        for line in text.lines():
            for inside in self._messages(message):
                yield b" ".join([part for part in (line, inside) if part]) + translations

    def _messages(self, message: Json) -> Iterator[bytes]:
        if message is None:
            yield b""
        elif not isinstance(message, dict):
            yield b"msg='" + text_of(str(message)) + b"'"
        else:
            members = [(key.encode(), value) for key, value in message.items()]
            text = field_text.text(members, Writer.PROGRAM, self.keys.unparsed)
            for inside in text.lines():
                yield b"msg='" + inside + b"'"

    def _translations(self, translations: list[Added]) -> bytes:
        """Returns auditd's translations behind a record."""
        written = []
        for each in translations:
            values = each.value if isinstance(each.value, list) else [each.value]
            if each.name == b"UNPARSED":
                written += [text_of(str(value)) for value in values]
            else:
                written += [field(each.name, value, Writer.AUDITD) for value in values]
        return b"\x1d" + b" ".join(written) if written else b""


def _address(decoded: Object, big_endian: bool) -> Token | None:
    """Returns the raw value of an address."""
    raw = addresses.encode(decoded, big_endian=big_endian)
    return None if raw is None else Token(raw.hex().upper().encode("ascii"))


def _with_titles(
    raw: list[Member], added: list[Added], argv: str
) -> tuple[list[Member], list[Added]]:
    """Returns the members of a PROCTITLE object, with its words as the field `proctitle`."""
    members = [*raw, *((each.key.encode(), each.value) for each in added if each.key == argv)]
    written: list[Member] = []
    for key, value in members:
        if key == argv.encode() and isinstance(value, list):
            several = value and isinstance(value[0], list)
            written += [(b"proctitle", _title(words)) for words in (value if several else [value])]
        else:
            written.append((key, value))
    return written, [each for each in added if each.key != argv]


def _title(words: list[Json]) -> Token:
    return Token(encoded(b"\0".join([text_of(str(word)) for word in words])))


def _with_arguments(raw: list[Member], values: list[Json]) -> list[Member]:
    """Returns `raw` with `a0` to `a3` in the kernel's position."""
    index = 0
    while index < len(raw) and raw[index][0] in _BEFORE_ARGUMENTS:
        index += 1
    named = [(b"a%d" % min(number, 3), call_argument(value)) for number, value in enumerate(values)]
    return [*raw[:index], *named, *raw[index:]]

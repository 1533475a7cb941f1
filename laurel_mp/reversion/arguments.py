"""Writes argument lists as EXECVE records: long ones in pieces, as the kernel does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from laurel_mp.reversion.spellings import encoded

RECORD_ROOM = 7500
"""Approximate bytes of arguments in one record [kernel: MAX_EXECVE_AUDIT_LEN]."""

NAME_ROOM = 96
"""Bytes that the kernel reserves for the name of an argument."""

LEAST_ROOM = NAME_ROOM + 8
"""Bytes of room below which a new record begins."""


class Pieces(NamedTuple):
    """An argument with unknown bytes."""

    texts: tuple[bytes, ...]
    skipped: int | None = None
    """Number of unknown bytes; None if unknown."""


Argument = bytes | Pieces | None
"""None is an argument without a value: `aN=(null)`."""


class _Records:
    """Fills the bodies of EXECVE records."""

    def __init__(self, start: bytes) -> None:
        self.bodies = [[start]]
        self._room = RECORD_ROOM

    def add(self, index: int, text: bytes) -> None:
        """Adds one argument."""
        # The kernel writes an argument that it reads in several steps in hex.
        is_hex = len(text) >= RECORD_ROOM or encoded(text)[:1] != b'"'
        size = len(text) * 2 if is_hex else len(text) + 2
        self._begin_if_full()
        if len(text) < RECORD_ROOM and size + NAME_ROOM <= self._room:
            self._write(b" a%d=" % index, text, is_hex)
            return
        length = len(text) * 2 if is_hex else len(text)
        name = b" a%d_len=%d a%d[0]=" % (index, length, index)
        rest = self._write(name, text, is_hex)
        number = 1
        while rest:
            self._begin_if_full()
            rest = self._write(b" a%d[%d]=" % (index, number), rest, is_hex)
            number += 1

    def add_fields(self, text: bytes) -> None:
        """Adds written fields, with a blank in front of them."""
        self.bodies[-1].append(text)
        self._room -= len(text)

    def _write(self, name: bytes, text: bytes, is_hex: bool) -> bytes:
        """Writes as many bytes as fit; returns the rest."""
        self._room -= len(name)
        if is_hex:
            fits = min(len(text), self._room // 2)
            value = text[:fits].hex().upper().encode("ascii")
        else:
            fits = min(len(text), self._room - 2)
            value = b'"' + text[:fits] + b'"'
        self.bodies[-1].append(name + value)
        self._room -= len(value)
        return text[fits:]

    def _begin_if_full(self) -> None:
        if self._room < LEAST_ROOM:
            self.bodies.append([])
            self._room = RECORD_ROOM


def bodies(
    argc: int | None,
    arguments: Sequence[tuple[int, Argument]],
    others: Sequence[bytes] = (),
    stray: bytes = b"",
) -> list[bytes]:
    """Returns the bodies of the EXECVE records of an event.

    `arguments` are pairs of index and argument, without unknown ones. `others` are written fields
    that are no arguments; `stray` belongs to no field, and so comes first.
    """
    start = b"argc=%d" % argc if argc is not None else b""
    records = _Records(stray + b" " + start if stray else start)
    for index, argument in arguments:
        if argument is None:
            records.add_fields(b" a%d=(null)" % index)
        elif isinstance(argument, Pieces):
            records.add_fields(b"".join(_pieces(index, argument)))
        else:
            records.add(index, argument)
    for field in others:
        records.add_fields(b" " + field)
    return [b"".join(parts) for parts in records.bodies]


def _pieces(index: int, argument: Pieces) -> Iterator[bytes]:
    """Yields the fields of an argument with unknown bytes."""
    values = [encoded(text) for text in argument.texts]
    if argument.skipped is None:
        first = 1  # the first piece is missing
    else:
        first = 0
        is_hex = any(value[:1] != b'"' for value in values)
        size = sum(map(len, argument.texts)) + argument.skipped
        yield b" a%d_len=%d" % (index, size * 2 if is_hex else size)
    for number, value in enumerate(values, first):
        yield b" a%d[%d]=%b" % (index, number, value)

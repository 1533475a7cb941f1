"""Converts members back to `key=value key=value …`, with the words in front or between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from laurel_mp.reversion.added_members import Member
from laurel_mp.reversion.spellings import Json, Writer, field, text_of

_VERDICTS = (b"denied", b"granted")

# Words that the kernel writes before the first field of some records.
_PREFACES = {b"TTY": b"tty ", b"MAC_POLICY_LOAD": b"policy loaded "}


class Text(NamedTuple):
    """A written list of fields."""

    preface: bytes
    fields: list[bytes]
    stray: bytes
    """Words that belong to no field."""

    def line(self) -> bytes:
        """Returns all of it, with stray words in front."""
        return self.preface + b" ".join([self.stray, *self.fields] if self.stray else self.fields)

    def lines(self) -> Iterator[bytes]:
        """Yields the possible places of stray words: in front, or behind a quoted value."""
        yield self.line()
        if not self.stray:
            return
        for count, before in enumerate(self.fields, 1):
            if before.endswith((b'"', b"'", b"}")):
                rest = [*self.fields[:count], self.stray, *self.fields[count:]]
                yield self.preface + b" ".join(rest)


def text(members: Sequence[Member], writer: Writer, unparsed: bytes, name: bytes = b"") -> Text:
    """Returns the fields of an object; `name` is the type of its record."""
    rest = list(members)
    preface = _PREFACES.get(name, b"")
    if rest and rest[0][0] in _VERDICTS and isinstance(rest[0][1], list):
        preface, rest = _permissions(rest[0], rest[1:], writer)
    elif rest and rest[0] == (b"netlabel", None):
        preface, rest = b"netlabel: ", rest[1:]
    fields = []
    stray: list[bytes] = []
    for key, value in rest:
        if key == unparsed:
            stray += [text_of(str(words)) for words in _each(value)]
            continue
        fields += [field(key, each, writer) for each in _each(value)]
    return Text(preface, fields, b" ".join(stray))


def _permissions(first: Member, rest: list[Member], writer: Writer) -> tuple[bytes, list[Member]]:
    """Returns `avc:  denied  { read write } for  `, and the members that are fields."""
    key, words = first
    if words and isinstance(words[0], list):  # the record has a field of the same name
        words, *others = words
        rest = [*((key, other) for other in others), *rest]
    inside = b" ".join([text_of(str(word)) for word in words])
    blanks = b" " if writer is Writer.PROGRAM else b"  "
    return b"avc:  " + key + b"  { " + inside + b" } for" + blanks, rest


def _each(value: Json) -> list[Json]:
    """Returns the values of a key; a repeated key has a list."""
    return value if isinstance(value, list) else [value]

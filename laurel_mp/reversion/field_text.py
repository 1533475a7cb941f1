"""Members back into `key=value key=value …`, with the words that stand in front or between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from laurel_mp.reversion.added_members import Member
from laurel_mp.reversion.spellings import Json, Writer, field, text_of

_VERDICTS = (b"denied", b"granted")

# Words that the kernel writes before the first field of some records.
_PREFACES = {b"TTY": b"tty ", b"MAC_POLICY_LOAD": b"policy loaded "}


class Text(NamedTuple):
    """A list of fields, as written."""

    preface: bytes
    fields: list[bytes]
    stray: bytes
    """Words that belong to no field."""

    def line(self) -> bytes:
        """All of it, with stray words in front."""
        return self.preface + b" ".join([self.stray, *self.fields] if self.stray else self.fields)

    def lines(self) -> Iterator[bytes]:
        """All of it in several ways, if there are stray words: they only count behind a quote."""
        yield self.line()
        if not self.stray:
            return
        for count, before in enumerate(self.fields, 1):
            if before.endswith((b'"', b"'", b"}")):
                rest = [*self.fields[:count], self.stray, *self.fields[count:]]
                yield self.preface + b" ".join(rest)


def text(members: Sequence[Member], writer: Writer, unparsed: bytes, name: bytes = b"") -> Text:
    """The fields of an object; `name` is the type of its record."""
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
    """`avc:  denied  { read write } for  `, and the members that are fields."""
    key, words = first
    if words and isinstance(words[0], list):  # a field of the same name came, too
        words, *others = words
        rest = [*((key, other) for other in others), *rest]
    inside = b" ".join([text_of(str(word)) for word in words])
    blanks = b" " if writer is Writer.PROGRAM else b"  "
    return b"avc:  " + key + b"  { " + inside + b" } for" + blanks, rest


def _each(value: Json) -> list[Json]:
    """The values of a key, which are a list if the key repeats."""
    return value if isinstance(value, list) else [value]

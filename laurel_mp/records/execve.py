"""EXECVE records: an argument list in many pieces.

The kernel writes `argc=3 a0="…" a1=HEX …`, spreads long lists over several records, and long
arguments over several `aN[i]=` pieces, announced by `aN_len=` [kernel: audit_log_execve_info].
"""

from __future__ import annotations

import re
from binascii import a2b_hex
from collections.abc import Sequence
from typing import NamedTuple

from laurel_mp.records import enriched, members
from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.message import UNPARSED, field_members
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import HEX, PLAIN, encode
from laurel_mp.records.values import is_decimal, text_of

MAX_GAP = 1024
"""Missing arguments that are shown as `null`; an index further off is not an argument."""

_simple = re.compile(
    rb'argc=(0|[1-9][0-9]{0,8})((?: a[0-9]{1,9}=(?:"[^"]*"|' + HEX + rb")(?= |\Z)){0,1000}) *"
).fullmatch
_values = re.compile(rb' a([0-9]+)=("[^"]*"|[0-9A-F]+)').findall
_argument = re.compile(rb"a([0-9]{1,9})(?:\[([0-9]{1,9})\]|(_len))?").fullmatch


# Lists of the usual length are written again from their values: if the result equals the record,
# there is nothing else in it.
_REGULAR = [
    b"argc=%b" + b"".join([b" a%d=%%b" % index for index in range(count)]) for count in range(33)
]
_regular_values = re.compile(rb'=("[^"]*"|[0-9A-F]+)').findall
_is_plain = re.compile(PLAIN.replace(b"[", b'["', 1) + rb"*").fullmatch


class Arguments(NamedTuple):
    """Arguments by the EXECVE records of an event."""

    argc: int | None
    texts: list[bytes | None]
    """Arguments by index, None for those that are missing or have no value."""
    missing: bool
    """True if some are missing, by `argc=`, by `aN_len=`, or by gaps."""
    others: list[Field]
    """Fields that are no arguments."""


def read(bodies: Sequence[bytes]) -> Arguments:
    """Reads the arguments from the bodies of all EXECVE records of an event, in any order."""
    if len(bodies) == 1 and (match := _simple(bodies[0])):
        pairs: list[tuple[bytes, bytes]] = _values(match[2])
        count = int(match[1])
        if len(pairs) == count and [int(index) for index, _ in pairs] == list(range(count)):
            return Arguments(count, [_plain_text(value) for _, value in pairs], False, [])
    return _Collector().read(bodies)


def _plain_text(value: bytes) -> bytes:
    return value[1:-1] if value[:1] == b'"' else a2b_hex(value)


class _Collector:
    """Collects arguments and pieces of arguments in any order."""

    def __init__(self) -> None:
        self.argc: int | None = None
        self.whole: dict[int, bytes | None] = {}
        self.pieces: dict[int, dict[int, Field]] = {}
        self.lengths: dict[int, int] = {}
        self.others: list[Field] = []

    def read(self, bodies: Sequence[bytes]) -> Arguments:
        for body in bodies:
            raw, translations = enriched.split(body, kernel=True)
            for field in parse(raw):
                if not self._take(field):
                    self.others.append(field)
            self.others += enriched.parse_translations(translations)
        missing = self._join_pieces()
        count = self._count()
        texts = [self.whole.get(index) for index in range(count)]
        for index in sorted(index for index in self.whole if index >= count):
            self._refuse(index, self.whole[index])
        missing = missing or not all(index in self.whole for index in range(count))
        # Only the first record has `argc=`: without it, that one is missing.
        missing = missing or self.argc is None or self.argc > count
        return Arguments(self.argc, texts, missing, self.others)

    def _take(self, field: Field) -> bool:
        if field.key == b"argc" and self.argc is None and is_decimal(field.text):
            self.argc = int(field.text)
            return True
        match = _argument(field.key)
        if match is None:
            return False
        index = int(match[1])
        if match[3]:
            if index in self.lengths or not is_decimal(field.text):
                return False
            self.lengths[index] = int(field.text)
        elif match[2]:
            pieces = self.pieces.setdefault(index, {})
            if int(match[2]) in pieces:
                return False
            pieces[int(match[2])] = field
        elif index in self.whole:
            return False
        else:
            self.whole[index] = text_of(field)
        return True

    def _refuse(self, index: int, text: bytes | None) -> None:
        """Keeps an argument that cannot stand in the list as a field."""
        form = Form.BARE if text is None else Form.QUOTED
        self.others.append(Field(b"a%d" % index, form, text or b""))

    def _join_pieces(self) -> bool:
        """Joins pieces to arguments; returns True if pieces are missing."""
        missing = False
        for index, pieces in self.pieces.items():
            ordered = [pieces[number] for number in sorted(pieces)]
            written = sum(len(piece.text) for piece in ordered)
            missing |= self.lengths.get(index, written) != written
            missing |= max(pieces) + 1 != len(pieces)
            if all(piece.form is Form.BARE for piece in ordered):
                joined = Field(b"", Form.BARE, b"".join([piece.text for piece in ordered]))
                text = text_of(joined) or b""
            else:
                text = b"".join([text_of(piece) or b"" for piece in ordered])
            if index in self.whole:
                self._refuse(index, text)
            else:
                self.whole[index] = text
        return missing or any(index not in self.whole for index in self.lengths)

    def _count(self) -> int:
        """Returns the number of arguments to show: that of `argc=` unless too many are missing.

        Without `argc=`, or with one that cannot be true, it is the index behind the last plausible
        argument.
        """
        count = gaps = 0
        for index in sorted(self.whole):
            gaps += index - count
            if gaps > MAX_GAP or (self.argc is not None and index >= self.argc):
                break
            count = index + 1
        if self.argc is not None and count < self.argc <= len(self.whole) + MAX_GAP:
            return self.argc
        return count


class Skipped(NamedTuple):
    """A place in an argument list where arguments or bytes were cut out."""

    args: int
    bytes: int


def cut(texts: list[bytes | None], limit: int) -> list[bytes | Skipped | None]:
    """Returns `texts` cut to `limit` bytes, by removing from the middle."""
    total = sum(len(text or b"") for text in texts)
    if total <= limit:
        return list(texts)
    first, front_room = 0, limit - limit // 2
    while len(texts[first] or b"") <= front_room:
        front_room -= len(texts[first] or b"")
        first += 1
    last, back_room = len(texts), limit // 2
    while last > first + 1 and len(texts[last - 1] or b"") <= back_room:
        last -= 1
        back_room -= len(texts[last] or b"")
    middle = texts[first:last]
    front = back = b""
    # An argument that alone exceeds the limit is cut inside.
    if len(middle[0] or b"") > limit:
        front = (middle[0] or b"")[:front_room]
    if len(middle[-1] or b"") > limit and back_room:
        back = (middle[-1] or b"")[-back_room:]
    skipped = sum(len(text or b"") for text in middle) - len(front) - len(back)
    shown_in_part = len({0 if front else None, len(middle) - 1 if back else None} - {None})
    result: list[bytes | Skipped | None] = list(texts[:first])
    if front:
        result.append(front)
    result.append(Skipped(len(middle) - shown_in_part, skipped))
    if back:
        result.append(back)
    return [*result, *texts[last:]]


def render(arguments: Arguments, options: RecordOptions) -> bytes:
    """Returns the EXECVE object of an event."""
    found = []
    if arguments.argc is not None:
        found.append((b"argc", b"%d" % arguments.argc))
    found += field_members(arguments.others, options.added(UNPARSED))
    shown: list[bytes | Skipped | None] = list(arguments.texts)
    if options.argv_limit is not None:
        shown = cut(arguments.texts, options.argv_limit)
    if options.argv_array:
        found.append((options.added(b"ARGV"), _array(shown)))
    if options.argv_string:
        words = b" ".join([_string_item(item) for item in shown])
        found.append((options.added(b"ARGV_STR"), encode(words)))
    return b"{" + members.join(found) + b"}"


def render_regular(body: bytes, options: RecordOptions) -> bytes | None:
    """Returns the EXECVE object for a single record with all arguments; None for any other."""
    values: list[bytes] = _regular_values(body)
    count = len(values) - 1
    if (
        not 0 <= count < len(_REGULAR)
        or _REGULAR[count] % tuple(values) != body
        or values[0] != b"%d" % count
        or options.argv_string
        or not options.argv_array
        or (options.argv_limit is not None and len(body) > options.argv_limit)
    ):
        return None
    del values[0]
    if not _is_plain(body) or body.count(b'"') < 2 * count:
        for index, value in enumerate(values):
            if value.startswith(b'"'):
                values[index] = encode(value[1:-1])
            elif len(value) % 2:
                return None
            else:
                values[index] = encode(a2b_hex(value))
    return b'{"argc":%d,"%b":[%b]}' % (count, options.added(b"ARGV"), b",".join(values))


def render_list(texts: Sequence[bytes | None], limit: int | None) -> bytes:
    """Returns arguments as a JSON list, cut as in an EXECVE object."""
    return _array(list(texts) if limit is None else cut(list(texts), limit))


def _array(items: Sequence[bytes | Skipped | None]) -> bytes:
    return b"[" + b",".join([_array_item(item) for item in items]) + b"]"


def _array_item(item: bytes | Skipped | None) -> bytes:
    if item is None:
        return b"null"
    if isinstance(item, Skipped):
        return b'{"skipped_args":%d,"skipped_bytes":%d}' % item
    return encode(item)


def _string_item(item: bytes | Skipped | None) -> bytes:
    if isinstance(item, Skipped):
        return b"<<< Skipped: args=%d, bytes=%d >>>" % item
    return item or b""

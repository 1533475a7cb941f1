"""Renders records of one layout with one match and one `%`.

A layout is the sequence of a record's keys with the kind of each value. For each layout that the
general parser meets, a regular expression that captures the values and a template that renders
them are made once. The expression accepts only what the general parser would read in the same way,
so both give the same bytes.
"""

from __future__ import annotations

import re
from binascii import a2b_hex
from collections.abc import Callable
from typing import NamedTuple

from laurel_mp.records import enriched, values
from laurel_mp.records.fields import Field, Form
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import HEX, PLAIN, encode
from laurel_mp.records.values import Kind

Converter = Callable[[bytes], bytes]

# A bare value that is its own JSON: no quote or brace in front, which would be another form, no
# byte that has to be encoded, no blank. Behind the first byte there is no `=`: translations whose
# separator was lost or escaped might begin in front of it.
_BARE_TEXT = rb"[!#$&(-*,-\[\]-z|}~][!#$&-*,-<>-\[\]-~]*"
# Among auditd's translations `SADDR={` takes the rest of the line anywhere, so a quoted value
# there has no brace.
_UNBRACED = PLAIN.replace(b"-~]", b"-z|}~]")
_BARE_NAME = rb"[\w()-]+"
_ENDS = rb"(?=[ \x1d\n]|\Z)"
_NOT_DECIMAL = rb"(?!-?[0-9]+" + _ENDS + rb")"
_NOT_NULL = rb"(?!(?:\?|\(null\))" + _ENDS + rb")"
_NOT_HEX_TEXT = _NOT_NULL + rb"(?!" + HEX + _ENDS + rb")"


class Shape(NamedTuple):
    """Expression and template for one field of a layout."""

    pattern: bytes
    template: bytes
    converter: Converter | None = None


def _shape(
    field_class: str, field: Field, quoted: bytes = PLAIN, bare: bytes = _BARE_TEXT
) -> Shape | None:
    """Returns the shape of a field; None if its values are left to the general parser."""
    kind = values.kind_of(field_class, field)
    text = field.text
    if kind is Kind.NUMBER:
        return Shape(rb"(0|-?[1-9][0-9]{0,17})", b"%b")
    if kind is Kind.HEXADECIMAL:
        sign = rb"0x" if text.startswith(b"0x") else rb""
        return Shape(sign + rb"0*([1-9a-f][0-9a-f]{0,15}|0)", b'"0x%b"')
    if kind is Kind.OCTAL:
        return Shape(rb"0*([1-7][0-7]{0,20}|0)", b'"0o%b"')
    if kind is Kind.NULL:
        return Shape(re.escape(text), b"null")
    if kind is Kind.HEX_TEXT:
        # Of a class that is not in the table, only digits with a letter among them are text.
        guard = rb"" if field_class == "encoded" else rb"(?![0-9]+" + _ENDS + rb")"
        return Shape(guard + rb"(" + HEX + rb")", b"%b", _hex_text)
    if field.form is Form.QUOTED:
        return Shape(rb'"(' + quoted + rb'*)"', b'"%b"')
    if field.form is Form.BARE:
        guards = {"text": _NOT_NULL, "numeric": _NOT_DECIMAL, "": _NOT_HEX_TEXT}
        guard_text = guards.get(field_class)
        if guard_text is not None:
            return Shape(guard_text + rb"(" + bare + rb")", b'"%b"')
    return None


def _hex_text(digits: bytes) -> bytes:
    return encode(a2b_hex(digits))


class Layout:
    """A compiled layout: renders the records that have it."""

    __slots__ = (
        "_arguments", "_match", "_plain", "_raw_count", "added", "keys", "names", "pattern", "raw",
    )  # fmt: skip

    def __init__(
        self,
        pattern: bytes,
        raw: list[bytes],
        added: list[bytes],
        names: dict[bytes, int],
        arguments: list[tuple[int, Converter | None]],
        raw_count: int,
        keys: frozenset[bytes],
    ) -> None:
        expression = re.compile(pattern)
        self._match = expression.fullmatch
        self.pattern = pattern
        """The expression, for use in a longer one, and in front of a line feed."""
        self.raw = b",".join(raw)
        self.added = b"".join([b"," + member for member in added])
        self.names = names
        """Group of the value as written, by key."""
        self.keys = keys
        """Keys of all members."""
        self._arguments = arguments
        self._raw_count = raw_count
        unchanged = arguments == [(index, None) for index in range(expression.groups)]
        self._plain = self.added % () if unchanged and raw_count == len(arguments) else None
        """Added members if each value is used once, as written; else None."""

    @property
    def template(self) -> bytes | None:
        """Template of all members for the captured values as written; None if they change."""
        return None if self._plain is None else self.raw + self._plain.replace(b"%", b"%%")

    def match(self, body: bytes) -> tuple[bytes, ...] | None:
        """Returns the values of `body` as written; None if it has another layout."""
        match = self._match(body)
        return match.groups() if match else None

    def render(self, groups: tuple[bytes, ...]) -> tuple[bytes, bytes]:
        """Returns the raw members, and added members with a comma in front of each."""
        if self._plain is not None:
            return self.raw % groups, self._plain
        arguments = tuple(
            [
                groups[index] if converter is None else converter(groups[index])
                for index, converter in self._arguments
            ]
        )
        count = self._raw_count
        return self.raw % arguments[:count], self.added % arguments[count:]


Name = Callable[[bytes], Callable[[int], bytes] | None]
"""Returns, for a key, the function that translates its number into a name, if there is one."""


def compile_layout(
    raw: list[Field],
    translations: list[Field],
    options: RecordOptions,
    name_of: Name,
    record: bytes = b"",
) -> Layout | None:
    """Returns the layout of a record with these fields; None for an irregular record.

    `record` is its type.

    `name_of` tells which numbers get a translation of ours.
    """
    keys = [field.key for field in raw]
    keys_added = [_added_key(field, options) for field in translations]
    ours = {options.added(key) for key in keys if name_of(key)}
    kept = [field for field in translations if _added_key(field, options) not in ours]
    distinct = {*keys, *keys_added, *ours}
    if b"" in keys or b"" in keys_added or not keys or not enriched.KEYS.isdisjoint(keys):
        return None
    if options.drop_raw and all(name_of(key) for key in keys):
        return None  # there would be no raw member in front of the comma of the first added one
    if len(distinct) < len(keys) + len(keys_added) + len(ours - set(keys_added)):
        return None
    pattern: list[bytes] = []
    members: list[bytes] = []
    added: list[bytes] = []
    arguments: list[tuple[int, Converter | None]] = []
    added_arguments: list[tuple[int, Converter | None]] = []
    names: dict[bytes, int] = {}
    groups = 0
    for field in raw:
        shape = _shape(values.class_of(field.key, record), field)
        if shape is None:
            return None
        pattern.append((b" " if pattern else b"") + re.escape(field.key) + b"=" + shape.pattern)
        translate = name_of(field.key)
        has_group = b"%b" in shape.template
        if translate is not None:
            if shape.template != b"%b":
                return None
            added.append(b'"%b":%%b' % options.added(field.key))
            added_arguments.append((groups, _translator(translate)))
        if translate is None or not options.drop_raw:
            members.append(b'"%b":%b' % (field.key, shape.template))
            if has_group:
                arguments.append((groups, shape.converter))
        if has_group:
            names[field.key] = groups
            groups += 1
    raw_count = len(arguments)
    arguments += added_arguments
    raw_pattern = b"".join(pattern)
    pattern = []
    for field in translations:
        shape = _shape(enriched.class_of(field.key), field, _UNBRACED, _BARE_NAME)
        if shape is None:
            return None
        pattern.append((b" " if pattern else b"") + re.escape(field.key) + b"=" + shape.pattern)
        has_group = b"%b" in shape.template
        if field in kept:
            added.append(b'"%b":%b' % (_added_key(field, options), shape.template))
            if has_group:
                arguments.append((groups, shape.converter))
        groups += has_group
    added_pattern = b""
    if translations:
        # Without the separator, only the keys tell that these are translations.
        known = all(field.key in enriched.KEYS for field in translations)
        added_pattern = (rb"[\x1d ]" if known else enriched.SEPARATOR) + b"".join(pattern)
    pattern_text = raw_pattern + rb" *" + added_pattern + rb" *"
    return Layout(pattern_text, members, added, names, arguments, raw_count, frozenset(distinct))


def _added_key(field: Field, options: RecordOptions) -> bytes:
    return field.key if options.prefix is None else options.added(field.key)


def _translator(name: Callable[[int], bytes]) -> Converter:
    return lambda text: encode(name(int(text)))

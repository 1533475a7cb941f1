"""Classifies and renders values, by the class of their field.

Classes come from the audit field dictionary (`tables.fields`). A value that does not fit its class
is kept as text, so that unexpected values are not lost.
"""

from __future__ import annotations

import re
from binascii import a2b_hex
from enum import IntEnum

from laurel_mp.records.fields import Field, Form
from laurel_mp.records.strings import HEX, encode
from laurel_mp.records.tables.fields import CLASSES


class Kind(IntEnum):
    """Kind of a value, which determines its rendering."""

    NULL = 0
    NUMBER = 1
    HEXADECIMAL = 2
    OCTAL = 3
    TEXT = 4
    HEX_TEXT = 5
    """Text in hex digits."""


_decimal = re.compile(rb"0|-?[1-9][0-9]{0,18}|1[0-9]{19}").fullmatch
_hexadecimal = re.compile(rb"(?:0x)?0*([0-9a-fA-F]{1,16})").fullmatch
_octal = re.compile(rb"0*([1-7][0-7]{0,20}|1[0-7]{21}|0)").fullmatch
_hex_digits = re.compile(HEX).fullmatch
_digits_only = re.compile(rb"[0-9]+").fullmatch

_RANGE = range(-(2**63), 2**64)
_NO_VALUE = (b"(null)", b"?")


# Fields whose class is that of the dictionary in other records only.
_OF_RECORD = {
    b"SOCKETCALL": dict.fromkeys((b"a0", b"a1", b"a2", b"a3", b"a4", b"a5"), "hexadecimal"),
}


def class_of(key: bytes, record: bytes = b"") -> str:
    """Returns the class of a field in records of a type; `""` if it is not in the dictionary."""
    if record in _OF_RECORD and key in _OF_RECORD[record]:
        return _OF_RECORD[record][key]
    known = CLASSES.get(key)
    if known is not None:
        return known
    return "decimal" if key.endswith((b"uid", b"gid")) else ""


def is_decimal(text: bytes) -> bool:
    """True if `text` is a signed or unsigned 64-bit decimal in JSON's notation.

    Inode numbers have 64 bits without a sign.
    """
    return _decimal(text) is not None and (len(text) < 19 or int(text) in _RANGE)


def kind_of(field_class: str, field: Field) -> Kind:
    """Returns the kind of the value of `field`, given its class."""
    _, form, text = field
    if form is not Form.BARE:
        return Kind.TEXT
    if not text:
        return Kind.NULL
    if field_class in ("decimal", "numeric"):
        return Kind.NUMBER if is_decimal(text) else Kind.TEXT
    if field_class == "hexadecimal":
        return Kind.HEXADECIMAL if _hexadecimal(text) else Kind.TEXT
    if field_class == "octal":
        return Kind.OCTAL if _octal(text) else Kind.TEXT
    if text in _NO_VALUE:
        return Kind.NULL
    if field_class == "encoded":
        return Kind.HEX_TEXT if _hex_digits(text) else Kind.TEXT
    if field_class == "text" or not _hex_digits(text) or _digits_only(text):
        return Kind.TEXT
    return Kind.HEX_TEXT


def render(kind: Kind, text: bytes) -> bytes:
    """Returns `text` as JSON; `kind` must be that of `kind_of`."""
    if kind is Kind.TEXT:
        return encode(text)
    if kind is Kind.HEX_TEXT:
        return encode(a2b_hex(text))
    if kind is Kind.NUMBER:
        return text
    if kind is Kind.HEXADECIMAL:
        return b'"0x%x"' % int(text, 16)
    if kind is Kind.OCTAL:
        return b'"0o%o"' % int(text, 8)
    return b"null"


def render_field(field: Field, record: bytes = b"") -> bytes:
    """Returns the value of a field of a record of type `record` as JSON, by its class."""
    return render(kind_of(class_of(field.key, record), field), field.text)


def text_of(field: Field) -> bytes | None:
    """Returns the bytes of an encoded field; None for no value."""
    kind = kind_of("encoded", field)
    if kind is Kind.NULL:
        return None
    return a2b_hex(field.text) if kind is Kind.HEX_TEXT else field.text

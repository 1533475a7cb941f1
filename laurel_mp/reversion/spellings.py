"""Writes values of the output as the kernel, or a program, would have written them.

Several spellings can have the same value. The first one that parses as exactly the wanted value is
used; their order only decides which one looks most like the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from laurel_mp.records import enriched, values
from laurel_mp.records.fields import Field, Form, parse

Json = Any
"""A JSON value: None, bool, int, float, str, list, dict."""


class Token(bytes):
    """A value that is already written."""


class Writer(Enum):
    """The writer of a field, which determines its notation."""

    KERNEL = 0
    APPARMOR = 1
    PROGRAM = 2
    """The inside of `msg='…'`."""
    AUDITD = 3
    """A translation behind the byte 0x1d."""


# The kernel prints sets of capabilities with leading zeros, unless they are empty
# [kernel: audit_log_cap].
_CAPABILITIES = frozenset(
    b"""
    cap_fi cap_fp cap_pa cap_pe cap_pi cap_pp fi fp pa pe pi pp old_pa old_pe old_pi old_pp
    """.split()
)
_WITH_0X = frozenset((b"code", b"flags", b"ioctlcmd"))

# Programs write them without encoding [libaudit: audit_log_user_message and others].
_PLAIN_OF_PROGRAMS = frozenset((b"addr", b"laddr", b"daddr"))

# Written without quotes even if there are blanks inside.
_WITH_BLANKS = frozenset((b"subj", b"obj", b"op"))

# AppArmor writes these without encoding [kernel: security/apparmor/lib.c, audit_pre].
_QUOTED = frozenset((b"denied_mask", b"info", b"operation", b"requested_mask"))

_END = b" x=x"
_AT_END = Field(b"x", Form.BARE, b"x")


def text_of(string: str) -> bytes:
    """Returns the bytes for a string of the output."""
    return unquote_to_bytes(string.encode("utf-8"))


def written(key: bytes, value: Json, writer: Writer = Writer.KERNEL) -> bytes | None:
    """Returns the text behind `key=`; None if no spelling parses as this value."""
    for token in _spellings(key, value, writer):
        if reads_as(key, token, value, writer):
            return token
    return None


def field(key: bytes, value: Json, writer: Writer) -> bytes:
    """Returns a field; with a substitute for a value that cannot be written."""
    if isinstance(value, Token):
        return key + b"=" + value
    token = written(key, value, writer)
    return key + b"=" + (nearest(value) if token is None else token)


def nearest(value: Json) -> bytes:
    """Returns the substitute for a value that cannot be written: its text in hex digits."""
    text = text_of(value) if isinstance(value, str) else orjson.dumps(value)
    return text.hex().upper().encode("ascii") or b'""'


def reads_as(key: bytes, token: bytes, value: Json, writer: Writer) -> bool:
    """True if `key=token` parses as `value`, in front of any other field."""
    # All text behind the first separator is auditd's, whose addresses may contain another one.
    separates = writer in (Writer.KERNEL, Writer.APPARMOR) and b"\x1d" in token
    if b"\n" in token or separates:
        return False
    if writer is Writer.AUDITD:
        fields = enriched.parse_translations(key + b"=" + token)
        ends = fields[1:] == [] and (key == b"SADDR" or _ends(key, token))
        return ends and fields[0].key == key and _is(enriched.render(fields[0]), value)
    if not _ends(key, token):
        return False
    field = parse(key + b"=" + token)[0]
    return field.key == key and _is(values.render_field(field), value)


def _ends(key: bytes, token: bytes) -> bool:
    """True if the next field is found behind a value."""
    return parse(key + b"=" + token + _END)[1:] == [_AT_END]


def _is(json: bytes, value: Json) -> bool:
    found = orjson.loads(json)
    return bool(found == value) and type(found) is type(value)


def encoded(text: bytes) -> bytes:
    """Returns an untrusted string in the kernel's notation [audit_log_n_untrustedstring]."""
    if all(0x21 <= byte <= 0x7E and byte != 0x22 for byte in text):
        return b'"' + text + b'"'
    return text.hex().upper().encode("ascii")


def _spellings(key: bytes, value: Json, writer: Writer) -> Iterator[bytes]:
    if value is None:
        yield from (b"?", b"(null)", b"") if writer is Writer.PROGRAM else (b"(null)", b"?", b"")
    elif isinstance(value, str):
        yield from _spellings_of_text(key, value, writer)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield b"%d" % value


def _spellings_of_text(key: bytes, value: str, writer: Writer) -> Iterator[bytes]:
    text = text_of(value)
    auditd = writer is Writer.AUDITD
    field_class = enriched.class_of(key) if auditd else values.class_of(key)
    if field_class == "hexadecimal" and value.startswith("0x"):
        yield _hexadecimal(key, text[2:])
    if field_class == "octal" and value.startswith("0o"):
        yield b"0" + text[2:] if text != b"0o0" else b"0"
    quoted = b'"' + text + b'"'
    if _is_bare(key, text, field_class, writer):
        yield text
    if key in _QUOTED:
        yield quoted
    if field_class == "encoded":
        yield encoded(text)
    yield from (quoted, b"'" + text + b"'", text, text.hex().upper().encode("ascii"))


def call_argument(value: Json) -> Token:
    """Returns one of `a0` to `a3` of a SYSCALL record, which are numbers there."""
    if value is None:
        return Token(b"")
    text = text_of(str(value))
    as_number = Token(text.removeprefix(b"0x"))
    for token in (as_number, Token(text), Token(b'"' + text + b'"')):
        found = parse(b"a0=" + token)[0]
        json = values.render(values.kind_of("hexadecimal", found), found.text)
        if _ends(b"a0", token) and _is(json, value):
            return token
    return as_number


def _hexadecimal(key: bytes, digits: bytes) -> bytes:
    if key in _CAPABILITIES and digits != b"0":
        return digits.zfill(16)
    return b"0x" + digits if key in _WITH_0X else digits


def _is_bare(key: bytes, text: bytes, field_class: str, writer: Writer) -> bool:
    """True if a text is usually written without quotes."""
    if field_class == "encoded":
        return writer is Writer.PROGRAM and key in _PLAIN_OF_PROGRAMS
    if writer is Writer.APPARMOR and field_class in ("", "text"):
        return False
    # Records with the name of a device quote it; those with its numbers do not.
    if key == b"dev" and b":" not in text:
        return False
    return b" " not in text or text.startswith(b"{") or key in _WITH_BLANKS

"""auditd's own translations, which `log_format = ENRICHED` appends behind a byte 0x1d."""

from __future__ import annotations

import re

from laurel_mp.records import values
from laurel_mp.records.fields import Field, Form, parse

_SEPARATOR = b"\x1d"

# auditd's translations of a user-space record: names in upper case, values quoted or plain words.
# The sender of such a record may have put the separator into its body. But the kernel closes the
# body with a quote, so that the text behind a forged separator never matches this
# [kernel: audit_receive_msg; auditd: audit-event.c].
_translations = re.compile(rb'(?:[A-Z0-9_-]+=(?:"[^"]*"|[\w()-]*)(?: |\Z))*').fullmatch

_address = re.compile(rb"(?:(?<= )|\A)SADDR=(?=\{)").search


def split(body: bytes, kernel: bool) -> tuple[bytes, bytes]:
    """Splits a record body into its raw part and auditd's translations; either may be empty."""
    if kernel:  # its untrusted strings are hex, so the first separator is auditd's
        raw, _, translations = body.partition(_SEPARATOR)
        return raw, translations
    if b"msg='" not in body:
        raw, _, translations = body.partition(_SEPARATOR)
        return raw, translations
    end = body.rfind(b"'" + _SEPARATOR)
    if end >= 0 and _translations(body, end + 2):
        return body[: end + 1], body[end + 2 :]
    return body, b""


def parse_translations(text: bytes) -> list[Field]:
    """Returns the fields of auditd's translations.

    `SADDR={ … }` holds the path of a socket as its owner wrote it, with any braces, quotes and
    separators. It is the last translation of its record, so it takes the rest of the line.
    """
    address = _address(text)
    if address is None:
        return parse(text)
    braced = text[address.end() :].rstrip(b" ")
    return [*parse(text[: address.start()]), Field(b"SADDR", Form.BRACED, braced)]


def class_of(key: bytes) -> str:
    """Returns the class of a translation: encoded for names of users and groups, else text."""
    return "encoded" if key.endswith((b"UID", b"GID")) or key == b"ID" else "text"


def render(field: Field) -> bytes:
    """Returns the value of a translation as JSON."""
    return values.render(values.kind_of(class_of(field.key), field), field.text)

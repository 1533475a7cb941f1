"""Encodes audit strings, which are bytes, as JSON strings, which are UTF-8.

Printable characters stay readable, all other bytes are percent-encoded, and so is the percent
sign. So every string can be turned back into the original bytes, by
`urllib.parse.unquote_to_bytes` of the JSON string's UTF-8.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# Printable ASCII that needs neither a JSON escape nor percent-encoding.
PLAIN = rb"[ !#$&-*,-\[\]-~]"

ODD_QUOTED = rb'"' + PLAIN + rb"*(?!" + PLAIN + rb')[^"\n\x1d][^"\n\x1d]*"'
"""Expression for a quoted string that is not plain.

It must not match plain ones: otherwise, in an expression with both as alternatives for many
strings, each string doubles the time when a later one does not match.
"""

HEX = rb"(?:[0-9A-F]{32})*(?:[0-9A-F]{2}){1,16}"
"""Expression for pairs of hex digits. Without the long step it takes three times as long."""

# Tables for `bytes.translate`, which takes half of the time of an expression: all bytes that are
# not plain become one that is not.
_ODD = 1
_PLAIN = bytes(byte if re.match(PLAIN, bytes([byte])) else _ODD for byte in range(256))
_PLAIN_WORDS = b"\0" + _PLAIN[1:]


def _shown(byte: int) -> str:
    character = chr(byte)
    if character in ('"', "\\"):
        return "\\" + character
    return character if _PLAIN[byte] == byte != _ODD else f"%{byte:02x}"


# Tables by character, for texts in which bytes that are no UTF-8 have become surrogates (PEP 383).
# The byte-order mark is invisible, and many readers drop it.
_SHOWN = {byte: _shown(byte) for byte in range(128)}
_SHOWN |= {0xDC00 + byte: _shown(byte) for byte in range(128, 256)}
_SHOWN[0xFEFF] = "%ef%bb%bf"
_SHOWN_IN_WORDS = _SHOWN | {0: '","'}


def encode(text: bytes) -> bytes:
    """Returns `text` as a JSON string in UTF-8, quotes included."""
    return b'"%b"' % (_encoded(text, _SHOWN) if _ODD in text.translate(_PLAIN) else text)


def encode_words(text: bytes) -> bytes:
    """Returns words separated by NUL bytes as JSON strings separated by commas."""
    if _ODD in text.translate(_PLAIN_WORDS):
        return b'"%b"' % _encoded(text, _SHOWN_IN_WORDS)
    return b'"%b"' % text.replace(b"\0", b'","')


def _encoded(text: bytes, shown: dict[int, str]) -> bytes:
    return text.decode("utf-8", "surrogateescape").translate(shown).encode()


def decode(string: bytes) -> bytes:
    """Returns the bytes of a JSON string, quotes included: the inverse of `encode`."""
    return unquote_to_bytes(string[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\"))

"""Audit strings, which are bytes, as JSON strings, which are UTF-8.

What is printable stays readable, everything else is percent-encoded, and so is the
percent sign itself: every string can be turned back into the original bytes
(`urllib.parse.unquote_to_bytes` of the JSON string's UTF-8 does it).
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# Printable ASCII that needs neither a JSON escape nor percent-encoding.
PLAIN = rb"[ !#$&-*,-\[\]-~]"

ODD_QUOTED = rb'"' + PLAIN + rb"*(?!" + PLAIN + rb')[^"\n\x1d][^"\n\x1d]*"'
"""A quoted string that is not plain. Beside the plain ones it must match none of them: where both
do, an expression for many strings takes twice as long for each when the last one does not match."""

HEX = rb"(?:[0-9A-F]{32})*(?:[0-9A-F]{2}){1,16}"
"""Pairs of hex digits. To repeat a pair without the long step takes three times as long."""

# Tables for `bytes.translate`, which takes half of the time of an expression: what is not plain
# becomes a byte that is not.
_ODD = 1
_PLAIN = bytes(byte if re.match(PLAIN, bytes([byte])) else _ODD for byte in range(256))
_PLAIN_WORDS = b"\0" + _PLAIN[1:]


def _shown(byte: int) -> str:
    character = chr(byte)
    if character in ('"', "\\"):
        return "\\" + character
    return character if _PLAIN[byte] == byte != _ODD else f"%{byte:02x}"


# By character of a text in which bytes that are no UTF-8 have become surrogates (PEP 383). The
# byte-order mark is invisible, and many readers drop it.
_SHOWN = {byte: _shown(byte) for byte in range(128)}
_SHOWN |= {0xDC00 + byte: _shown(byte) for byte in range(128, 256)}
_SHOWN[0xFEFF] = "%ef%bb%bf"
_SHOWN_IN_WORDS = _SHOWN | {0: '","'}


def encode(text: bytes) -> bytes:
    """`text` as a JSON string in UTF-8, quotes included."""
    return b'"%b"' % (_encoded(text, _SHOWN) if _ODD in text.translate(_PLAIN) else text)


def encode_words(text: bytes) -> bytes:
    """Words with a NUL byte between them as JSON strings with a comma between them."""
    if _ODD in text.translate(_PLAIN_WORDS):
        return b'"%b"' % _encoded(text, _SHOWN_IN_WORDS)
    return b'"%b"' % text.replace(b"\0", b'","')


def _encoded(text: bytes, shown: dict[int, str]) -> bytes:
    return text.decode("utf-8", "surrogateescape").translate(shown).encode()


def decode(string: bytes) -> bytes:
    """The text of a JSON string that `encode` has made, quotes included; the way back."""
    return unquote_to_bytes(string[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\"))

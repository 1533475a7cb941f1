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

# The Unicode Standard, table 3-7: no surrogates, no overlong forms.
_UTF8 = (
    rb"[\xc2-\xdf][\x80-\xbf]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)

_is_plain = re.compile(PLAIN + rb"*").fullmatch
_has_utf8 = re.compile(_UTF8).search
_pieces = re.compile(_UTF8 + rb'|["\\\x00-\x1f%+\x7f-\xff]')

# A byte-order mark is invisible, and many readers drop it.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _encode_byte(byte: int) -> bytes:
    text = bytes([byte])
    if text in (b'"', b"\\"):
        return b"\\" + text
    return text if _is_plain(text) else b"%%%02x" % byte


_BYTES = [_encode_byte(byte) for byte in range(256)]
_ENCODED = {bytes([byte]): encoded for byte, encoded in enumerate(_BYTES)} | {
    _BYTE_ORDER_MARK: b"%ef%bb%bf"
}


def _encode_piece(match: re.Match[bytes]) -> bytes:
    return _ENCODED.get(match[0], match[0])


def encode(text: bytes) -> bytes:
    """`text` as a JSON string in UTF-8, quotes included."""
    if _is_plain(text):
        return b'"%b"' % text
    if len(text) < 1024 and (text.isascii() or not _has_utf8(text)):
        # Mostly binary structures: byte by byte costs less than a match for each.
        return b'"%b"' % b"".join(map(_BYTES.__getitem__, text))
    return b'"%b"' % _pieces.sub(_encode_piece, text)


def decode(string: bytes) -> bytes:
    """The text of a JSON string that `encode` has made, quotes included; the way back."""
    return unquote_to_bytes(string[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\"))

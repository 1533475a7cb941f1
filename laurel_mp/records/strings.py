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

HEX = rb"(?:[0-9A-F]{32})*(?:[0-9A-F]{2}){1,16}"
"""Pairs of hex digits. To repeat a pair without the long step takes three times as long."""

# The Unicode Standard, table 3-7: no surrogates, no overlong forms.
_UTF8 = (
    rb"[\xc2-\xdf][\x80-\xbf]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)

_is_plain = re.compile(PLAIN + rb"*").fullmatch
# Each round costs memory until the match ends, so there is a bound.
_utf8_runs = re.compile(rb"(?:" + _UTF8 + rb"){1,200}").finditer
_special = re.compile(rb'["\\\x00-\x1f%+\x7f-\xff]')
_special_in_words = re.compile(rb'["\\\x01-\x1f%+\x7f]')
_are_plain = re.compile(PLAIN.replace(b"[", rb"[\0", 1) + rb"*").fullmatch

# A byte-order mark is invisible, and many readers drop it.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _encode_byte(byte: int) -> bytes:
    text = bytes([byte])
    if text in (b'"', b"\\"):
        return b"\\" + text
    return text if _is_plain(text) else b"%%%02x" % byte


_BYTES = [_encode_byte(byte) for byte in range(256)]


def encode(text: bytes) -> bytes:
    """`text` as a JSON string in UTF-8, quotes included."""
    if _is_plain(text):
        return b'"%b"' % text
    if text.isascii():
        return b'"%b"' % _encode_bytes(text)
    pieces = [b'"']
    end = 0
    for match in _utf8_runs(text):
        pieces.append(_encode_bytes(text[end : match.start()]))
        pieces.append(match[0].replace(_BYTE_ORDER_MARK, b"%ef%bb%bf"))
        end = match.end()
    pieces.append(_encode_bytes(text[end:]))
    pieces.append(b'"')
    return b"".join(pieces)


def _encode_bytes(text: bytes) -> bytes:
    """`text` as the inside of a JSON string, each byte by itself."""
    if _is_plain(text):
        return text
    if len(text) < 1024:  # mostly binary structures: a match for each would cost more
        return b"".join(map(_BYTES.__getitem__, text))
    return _special.sub(_encode_match, text)


def _encode_match(match: re.Match[bytes]) -> bytes:
    return _BYTES[match[0][0]]


def encode_words(text: bytes) -> bytes:
    """Words with a NUL byte between them as JSON strings with a comma between them."""
    if not _are_plain(text):
        if not text.isascii():
            return b",".join([encode(word) for word in text.split(b"\0")])
        text = _special_in_words.sub(_encode_match, text)
    return b'"%b"' % text.replace(b"\0", b'","')


def decode(string: bytes) -> bytes:
    """The text of a JSON string that `encode` has made, quotes included; the way back."""
    return unquote_to_bytes(string[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\"))

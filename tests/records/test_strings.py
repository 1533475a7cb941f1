"""The string encoding: readable, valid JSON, and the original bytes can be had back."""

import json
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records.strings import encode, encode_words


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_can_be_had_back(raw: bytes) -> None:
    """The result is a JSON string in UTF-8 from which percent-decoding makes the original."""
    decoded = json.loads(encode(raw).decode("utf-8"))

    assert raw == unquote_to_bytes(decoded.encode("utf-8"))


@given(st.lists(st.binary().map(lambda word: word.replace(b"\0", b"")), min_size=1))
def test_words_are_encoded_as_each_of_them(words: list[bytes]) -> None:
    """Together it is quicker."""
    assert encode_words(b"\0".join(words)) == b",".join(map(encode, words))


def test_printable_ascii_is_kept() -> None:
    """All of it but `%` and `+`, with JSON's escapes for quotes and backslashes."""
    printable = bytes(range(0x20, 0x7F))
    expected = printable.decode().replace("%", "%25").replace("+", "%2b")

    assert expected == json.loads(encode(printable))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b'""'),
        (b'say "hi"', rb'"say \"hi\""'),
        (b"a\\b", rb'"a\\b"'),
        (b"\x00\x01\x1f\x7f", b'"%00%01%1f%7f"'),
        (b"a\nb\tc", b'"a%0ab%09c"'),
        (b"\xff\xc3", b'"%ff%c3"'),
        ("ä€😀".encode(), '"ä€😀"'.encode()),
        (b"\xc3\xa4\xff", b'"\xc3\xa4%ff"'),
        (b"\xc0\xaf", b'"%c0%af"'),
        (b"\xed\xa0\x80", b'"%ed%a0%80"'),
        (b"\xf4\x90\x80\x80", b'"%f4%90%80%80"'),
        (b"\xef\xbb\xbf", b'"%ef%bb%bf"'),
        (b"50%+1", b'"50%25%2b1"'),
    ],
)
def test_encoding(raw: bytes, expected: bytes) -> None:
    """UTF-8 is kept, but for a byte-order mark; overlong forms, surrogates and the rest are not."""
    assert expected == encode(raw)

"""The general grammar of `key=value`, on what kernels and programs really write."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records.fields import Field, Form, parse

BARE, QUOTED, SINGLE, BRACED, STRAY = Form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a=1", [(b"a", BARE, b"1")]),
        (b'name="/bin/ls"', [(b"name", QUOTED, b"/bin/ls")]),
        (b"msg='op=x'", [(b"msg", SINGLE, b"op=x")]),
        (b"SADDR={ saddr_fam=inet }", [(b"SADDR", BRACED, b"{ saddr_fam=inet }")]),
        (b"", []),
        (b"   ", []),
    ],
)
def test_forms(text: bytes, expected: list[Field]) -> None:
    """A value is a word, or stands in quotes or braces; only braces are kept."""
    assert expected == parse(text)


@pytest.mark.parametrize(
    "key", [b"old-auid", b"a1[0]", b"_x", b".x", b"aud.key", b"nl-mcgrp", b"1"]
)
def test_keys(key: bytes) -> None:
    """Keys may have hyphens, dots, brackets, and begin with anything of that."""
    assert [Field(key, BARE, b"v")] == parse(key + b"=v")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"subj==unconfined", [(b"subj", BARE, b"=unconfined")]),
        (
            b"subj==/usr/sbin/ntpd (enforce) key=(null)",
            [(b"subj", BARE, b"=/usr/sbin/ntpd (enforce)"), (b"key", BARE, b"(null)")],
        ),
        (
            b"subj=/{,usr/}sbin/dhclient a=1",
            [(b"subj", BARE, b"/{,usr/}sbin/dhclient"), (b"a", BARE, b"1")],
        ),
        (b"table=t5 tab:2 family=2", [(b"table", BARE, b"t5 tab:2"), (b"family", BARE, b"2")]),
        (
            b'info="same as current profile, skipping" pid=1',
            [(b"info", QUOTED, b"same as current profile, skipping"), (b"pid", BARE, b"1")],
        ),
        (b"subj= res=success", [(b"subj", BARE, b""), (b"res", BARE, b"success")]),
        (b"a=1 ", [(b"a", BARE, b"1")]),
        (b"  a=1   b=2", [(b"a", BARE, b"1"), (b"b", BARE, b"2")]),
    ],
)
def test_blanks(text: bytes, expected: list[Field]) -> None:
    """A value extends over blanks to the next key; blanks between fields do not count."""
    assert expected == parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'a="x', [(b"a", BARE, b'"x')]),
        (b'a="x"y b=1', [(b"a", BARE, b'"x"y'), (b"b", BARE, b"1")]),
        (b"a='x b=1", [(b"a", BARE, b"'x"), (b"b", BARE, b"1")]),
        (b"a={ x", [(b"a", BARE, b"{ x")]),
        (b"word", [(b"", STRAY, b"word")]),
        (b'a="x" two words b=1', [(b"a", QUOTED, b"x"), (b"", STRAY, b"two words"),
                                  (b"b", BARE, b"1")]),
        (b"=x", [(b"", STRAY, b"=x")]),
        (b"\xff=x a=1", [(b"", STRAY, b"\xff=x"), (b"a", BARE, b"1")]),
    ],
)  # fmt: skip
def test_oddities(text: bytes, expected: list[Field]) -> None:
    """Cut values and words without a key are kept, and their neighbours are parsed."""
    assert expected == parse(text)


@pytest.mark.parametrize("count", [199, 200, 201, 202, 5000])
def test_any_number_of_words_is_one_value(count: int) -> None:
    """Words without a key are one piece, however many there are, and keep their blanks."""
    words = b"  ".join([b"w"] * count)
    assert [(b"a", BARE, words), (b"b", QUOTED, b"1")] == parse(b"a=" + words + b' b="1"')
    assert [(b"", STRAY, words), (b"b", BARE, words)] == parse(words + b" b=" + words + b" ")


@given(st.lists(st.sampled_from([b"a=", b"b", b" ", b'"', b"'", b"{", b"}", b"=", b"\xff"])))
def test_nothing_is_lost(pieces: list[bytes]) -> None:
    """All that is no blank, quote or `=` comes back, in its order, whatever is parsed."""
    text = b"".join(pieces)
    fields = parse(text)

    marks = re.compile(rb"[ \"'=]")
    expected = marks.sub(b"", text)
    assert expected == marks.sub(b"", b"".join([field.key + field.text for field in fields]))

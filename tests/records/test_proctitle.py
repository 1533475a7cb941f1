"""The command line as a process shows it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records.proctitle import render_regular
from laurel_mp.records.record import RecordRenderer
from laurel_mp.records.record_options import RecordOptions


def hexadecimal(text: bytes) -> bytes:
    """As the kernel writes text that is no plain word."""
    return text.hex().upper().encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'proctitle="ls"', ["ls"]),
        (b"proctitle=6C73002D6C00", ["ls", "-l", ""]),
        (b"proctitle=" + hexadecimal(b'a\0say "hi"\0\xff\0x+y'), ["a", 'say "hi"', "%ff", "x%2by"]),
        (b'proctitle="(null)"', ["(null)"]),
        (b'proctitle="DEADBEEF"', ["DEADBEEF"]),
        (b'proctitle=""', [""]),
        (b"proctitle=00", ["", ""]),
    ],
)
def test_arguments(body: bytes, expected: list[str]) -> None:
    """Each argument ends with a NUL; what is quoted is one word, whatever it looks like."""
    (argv,) = json.loads(RecordRenderer(RecordOptions()).render(b"PROCTITLE", body).text).values()

    assert expected == argv


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"proctitle=(null)", {"proctitle": None}),
        (b"proctitle=", {"proctitle": None}),
        (b"proctitle=6C7", {"ARGV": ["6C7"]}),
        (b'proctitle="l', {"ARGV": ['"l']}),
        (b'proctitle="ls" x=1 and more', {"ARGV": ["ls"], "x": "1 and more"}),
        (b'proctitle="a" proctitle=6200', {"ARGV": [["a"], ["b", ""]]}),
        (b"", {}),
    ],
)
def test_oddities(body: bytes, expected: dict[str, object]) -> None:
    """Cut values and unexpected fields are kept."""
    assert expected == json.loads(RecordRenderer(RecordOptions()).render(b"PROCTITLE", body).text)


@given(st.binary(min_size=1))
def test_the_quick_way_is_the_general_one(title: bytes) -> None:
    """Both give the same bytes for whatever a process is called."""
    body = b"proctitle=" + hexadecimal(title)
    general = RecordRenderer(RecordOptions()).render_generally(b"PROCTITLE", body)

    assert general.text == render_regular(body, b"ARGV")


def test_the_key_follows_the_prefix() -> None:
    """The list is added by us, so it has the configured prefix."""
    rendered = RecordRenderer(RecordOptions(prefix=b"x_")).render(b"PROCTITLE", b'proctitle="ls"')

    expected = b'{"x_argv":["ls"]}'
    assert expected == rendered.text

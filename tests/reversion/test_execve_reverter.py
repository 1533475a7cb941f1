"""Argument lists, whole and cut, as EXECVE records."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records import execve
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.reversion.added_members import Keys
from laurel_mp.reversion.arguments import bodies
from laurel_mp.reversion.execve_reverter import Execve, revert

KEYS = Keys(RecordOptions())

_texts = st.one_of(
    st.binary(max_size=20),
    st.builds(
        lambda text, times: text * times, st.binary(min_size=1, max_size=3), st.integers(0, 9000)
    ),
)


def reverted(found: dict[str, Any], title: list[str] | None = None, **how: bool) -> Execve:
    """Returns the bodies for an object."""
    return revert(found, KEYS, title, incomplete=how.get("incomplete", False))


@given(st.lists(_texts, max_size=12))
def test_any_arguments_are_read_again(texts: list[bytes]) -> None:
    """However long they are and whatever they hold; and no record is too long for the kernel."""
    found = bodies(len(texts), list(enumerate(texts)))

    assert execve.Arguments(len(texts), list(texts), False, []) == execve.read(found)
    assert max(map(len, found)) < 7700


@pytest.mark.parametrize(
    ("found", "title", "is_whole", "body"),
    [
        ({"argc": 2, "ARGV": ["a", "b c"]}, None, True, b'argc=2 a0="a" a1=622063'),
        ({"argc": 1, "ARGV": [None]}, None, True, b"argc=1 a0=(null)"),
        ({"argc": 2, "ARGV_STR": "a b"}, None, True, b'argc=2 a0="a" a1="b"'),
        ({"argc": 2, "ARGV_STR": "a b c"}, ["a", "b c"], True, b'argc=2 a0="a" a1=622063'),
        ({"argc": 2, "ARGV_STR": "a b c"}, None, False, b'argc=2 a0="a" a1=622063'),
        ({"ARGV": ["a"], "x": "1"}, None, True, b' a0="a" x=1'),
        (
            {"argc": 9, "ARGV": ["a", {"skipped_args": 7, "skipped_bytes": 70}, "z"]},
            None,
            False,
            b'argc=9 a0="a" a8="z"',
        ),
        (
            {"argc": 1, "ARGV": ["he", {"skipped_args": 0, "skipped_bytes": 70}, "l"]},
            None,
            False,
            b'argc=1 a0_len=73 a0[0]="he" a0[1]="l"',
        ),
    ],
)
def test_lists(found: dict[str, Any], title: list[str] | None, is_whole: bool, body: bytes) -> None:
    """Whole ones are exact; of others, what is known stands in its place."""
    assert Execve([body], is_whole) == reverted(found, title)


def test_what_was_missing_is_missing_again() -> None:
    """Unknown arguments are left out, and a piece that was lost stays lost."""
    assert reverted({"argc": 2, "ARGV": [None, "b"]}, incomplete=True).bodies == [b'argc=2 a1="b"']
    again = reverted({"argc": 2, "ARGV": ["a", "long"]}, incomplete=True).bodies

    assert execve.read(again).missing
    assert execve.read(again).texts == [b"a", b"long"]

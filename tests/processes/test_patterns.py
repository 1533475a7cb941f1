"""Regular expressions on bytes."""

import pytest

from laurel_mp.processes.patterns import PatternSet


def test_which_ones_match() -> None:
    """By their places in the list, somewhere in the text."""
    assert sorted(PatternSet(["a", "^b", "b$"]).matches(b"ab")) == [0, 2]


def test_none_match() -> None:
    """Then the list is empty."""
    assert PatternSet(["a"]).matches(b"b") == []


@pytest.mark.parametrize(("patterns", "expected"), [([], False), ([""], True)])
def test_whether_there_are_any(patterns: list[str], expected: bool) -> None:
    """An empty expression is one, too: it matches everything."""
    found = PatternSet(patterns)

    assert (expected, expected) == (bool(found), bool(found.matches(b"x")))


@pytest.mark.parametrize("text", [b"\xff/tmp/x", b"\xc3/tmp/x", b"\0/tmp/x", b"\n/tmp/x\n"])
def test_no_byte_hides_anything(text: bytes) -> None:
    """Invalid UTF-8, NUL and line feeds are characters like others."""
    assert 0 in PatternSet(["/tmp/x", "/x"]).matches(text)


def test_each_byte_is_a_character() -> None:
    """A dot is one byte."""
    assert PatternSet(["^..$"]).matches("ä".encode()) == [0]


def test_text_beyond_ascii() -> None:
    """An expression is found as it is written in the configuration."""
    assert PatternSet(["^/home/ä$"]).matches("/home/ä".encode()) == [0]


def test_hostile_text_takes_linear_time() -> None:
    """Patterns with exponential time in other engines take linear time."""
    assert PatternSet(["(a*)*b$"]).matches(b"a" * 100_000) == []

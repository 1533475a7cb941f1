"""Text of unknown origin, made fit for a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.observe.text import describe, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Grüße, 世界", "Grüße, 世界"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m\x00\x7f", r"\x1b[31m\x00\x7f"),
        ("\x85\u2028\u202e\ufeff", r"\x85\u2028\u202e\ufeff"),
        ("\udc80", r"\udc80"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """Control characters, line ends, changes of direction and broken bytes show as escapes."""
    assert shown == printable(text)


def test_cut() -> None:
    """Long text is cut, and what was escaped counts as it is shown."""
    assert printable("x" * 11, 10) == "x" * 10 + "…"
    assert printable("x" * 10, 10) == "x" * 10
    assert printable("\n" * 10, 10) == r"\n\n\n\n\n…"


@given(st.text(), st.integers(1, 50))
def test_any_text(text: str, limit: int) -> None:
    """Any text becomes one printable line of bounded length."""
    shown = printable(text, limit)

    assert len(shown) <= limit + 1
    assert shown.isprintable()
    shown.encode()


def test_describe() -> None:
    """An error is told on one line, with the places where it came from."""
    try:
        dict[str, int]()["key\n"]
    except KeyError as error:
        text = describe(error)

    assert text.startswith(r"KeyError: 'key\n' (test_text.py:")
    assert describe(ValueError()) == "ValueError"

"""The window in which events count as duplicates."""

import pytest

from laurel_mp.errors import SnapshotError
from laurel_mp.events.reassembly.duplicate_window import DuplicateWindow, Noted, noted, times_of


def test_within_the_window() -> None:
    """A key counts for as long as the window is."""
    remembered = DuplicateWindow(120.0)
    remembered.note(b"a", 10.0)

    assert remembered.has(b"a", 130.0)
    assert not remembered.has(b"a", 130.1)
    assert not remembered.has(b"b", 10.0)


def test_over_one_generation() -> None:
    """The generation before the present one is still there, the one before that is not."""
    remembered = DuplicateWindow(120.0)
    remembered.note(b"a", 0.0)
    remembered.turn()
    remembered.note(b"b", 0.0)

    assert remembered.has(b"a", 1.0)
    assert len(remembered) == 2
    remembered.turn()
    assert not remembered.has(b"a", 1.0)
    assert remembered.has(b"b", 1.0)


def test_what_was_packed_is_kept() -> None:
    """A snapshot adds what was noted since the last one."""
    remembered = DuplicateWindow(120.0)
    remembered.note(b"a", 0.0)
    first = remembered.state()
    remembered.note(b"b", 1.0)
    remembered.noted_at(2.0).append(b"c")
    second = remembered.state()

    assert first.recent == noted({b"a": 0.0})
    assert second.recent == [*first.recent, *noted({b"b": 1.0, b"c": 2.0})]
    assert second.recent[0] is first.recent[0]
    assert remembered.state() == second
    assert second.older == []


def test_noted_again() -> None:
    """The later time counts, also behind a snapshot."""
    remembered = DuplicateWindow(120.0)
    remembered.note(b"a", 0.0)
    remembered.note(b"b", 0.0)
    remembered.state()
    remembered.note(b"a", 5.0)

    assert times_of(remembered.state().recent) == {b"a": 5.0, b"b": 0.0}


def test_going_on() -> None:
    """From a state, with both generations."""
    one, other = DuplicateWindow(120.0), DuplicateWindow(120.0)
    one.note(b"a", 0.0)
    one.state()
    one.turn()
    one.note(b"b", 1.0)
    other.restore(one.state())
    other.note(b"c", 2.0)

    assert all(key in other for key in (b"a", b"b", b"c"))
    assert b"d" not in other
    assert list(map(times_of, other.state())) == [{b"b": 1.0, b"c": 2.0}, {b"a": 0.0}]
    other.turn()
    assert list(map(times_of, other.state())) == [{}, {b"b": 1.0, b"c": 2.0}]


@pytest.mark.parametrize(
    "piece", [Noted(b"a\n", b""), Noted(b"a", b"8 bytes."), Noted(b"a\n", b"7 bytes"),
              Noted(b"", b"8 bytes."), Noted(b"a\nb", b"8 bytes.")]
)  # fmt: skip
def test_invalid_state(piece: Noted) -> None:
    """As many times as keys, and a line feed behind each key."""
    with pytest.raises(SnapshotError):
        times_of([piece])


def test_asked_between() -> None:
    """Look-ups in between make no difference, also at one time."""
    remembered = DuplicateWindow(10.0)
    append = remembered.noted_at(1.0).append
    seen = []
    for key in (b"a", b"b", b"c"):
        append(key)
        seen.append((key in remembered, len(remembered), remembered.state()))
    remembered.note(b"a", 12.0)

    assert [(found, count) for found, count, _ in seen] == [(True, 1), (True, 2), (True, 3)]
    assert [times_of(state.recent) for *_, state in seen][2] == dict.fromkeys(
        (b"a", b"b", b"c"), 1.0
    )
    assert remembered.has(b"a", 12.0)
    assert not remembered.has(b"b", 12.0)
    assert times_of(remembered.state().recent) == {b"a": 12.0, b"b": 1.0, b"c": 1.0}

"""What is remembered of events that were complete."""

from laurel_mp.events.remembered import Remembered


def test_within_the_window() -> None:
    """A key counts for as long as the window is."""
    remembered = Remembered(120.0)
    remembered.note(b"a", 10.0)

    assert remembered.has(b"a", 130.0)
    assert not remembered.has(b"a", 130.1)
    assert not remembered.has(b"b", 10.0)


def test_over_one_generation() -> None:
    """The generation before the present one is still there, the one before that is not."""
    remembered = Remembered(120.0)
    remembered.note(b"a", 0.0)
    remembered.turn()
    remembered.note(b"b", 0.0)

    assert remembered.has(b"a", 1.0)
    assert len(remembered) == 2
    remembered.turn()
    assert not remembered.has(b"a", 1.0)
    assert remembered.has(b"b", 1.0)

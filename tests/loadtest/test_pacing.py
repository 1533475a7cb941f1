"""Streams at their own pace, on a clock that only the test moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from laurel_mp.errors import InputError, OutputError
from laurel_mp.loadtest import pacing
from laurel_mp.loadtest.pacing import MAX_LAG, NAP, SLICE
from tests.support.clock import Clock


def at_rate(rate: float, count: int) -> Iterator[tuple[float, bytes]]:
    """Pieces of one byte at a rate."""
    return ((number / rate, b"x") for number in range(count))


def test_pieces_are_written_when_they_are_due() -> None:
    """Counted from the first one, however late that is."""
    clock = Clock()

    clock.pace().play([(7.0, b"a"), (7.5, b"b"), (7.5, b"c"), (12.0, b"d")], clock.writer())

    expected: list[object] = [(0.0, b"a"), (0.5, b"bc"), (5.0, b"d")]
    assert expected == [(pytest.approx(due), data) for due, data in clock.writes]


def test_all_is_written_at_its_rate() -> None:
    """No piece comes early, none later than the nap between two writes."""
    clock = Clock()

    clock.pace().play(at_rate(10_000, 5000), clock.writer())

    written = 0
    for time, data in clock.writes:
        assert written / 10_000 <= time + 1e-9  # the first of it was due
        assert (written + len(data) - 1) / 10_000 <= time + 1e-9  # and so was the last
        assert time - written / 10_000 <= NAP + 1e-4
        written += len(data)
    assert written == 5000
    assert clock.naps <= 0.5 / NAP * 2 + 2, "a nap for each write, not for each piece"


def test_sleeping_too_long_changes_no_rate() -> None:
    """A machine that wakes up late gets the same number of events through."""
    clock = Clock(late=0.002)

    clock.pace().play(at_rate(1000, 3000), clock.writer())

    assert clock.writes[-1][0] == pytest.approx(3.0, abs=0.02)


def test_a_stream_behind_catches_up_without_a_burst() -> None:
    """After half a second of a slow reader: at most a slice at a time, a nap between them."""
    clock = Clock()

    clock.pace().play(at_rate(1000, 3000), clock.writer({10: 0.5}))

    assert max(len(data) for _, data in clock.writes) <= SLICE * 1000 + 1
    times = [time for time, _ in clock.writes]
    assert min(b - a for a, b in itertools.pairwise(times)) >= NAP - 1e-9
    assert times[-1] == pytest.approx(3.0, abs=0.02)


def test_what_is_too_far_behind_is_given_up() -> None:
    """A reader that stands still for long gets its rate again, and it is counted."""
    clock = Clock()
    pace = clock.pace()

    pace.play(at_rate(1000, 5000), clock.writer({10: 60.0}))

    assert pace.slipped == pytest.approx(60.0 - MAX_LAG, abs=0.02)
    assert clock.writes[-1][0] == pytest.approx(5.0 + pace.slipped, abs=0.02)


def test_a_write_is_bounded() -> None:
    """Whatever is due at once does not become one write of any size."""
    clock = Clock()
    piece = b"x" * (pacing.MOST_BYTES // 3)

    clock.pace().play([(0.0, piece)] * 7, clock.writer())

    assert [len(data) // len(piece) for _, data in clock.writes] == [3, 3, 1]


def test_what_was_due_is_written_when_the_input_fails() -> None:
    """An input that breaks loses nothing of what was read."""
    clock = Clock()

    def pieces() -> Iterator[tuple[float, bytes]]:
        yield 0.0, b"a"
        raise InputError("broken")

    with pytest.raises(InputError):
        clock.pace().play(pieces(), clock.writer())

    assert [data for _, data in clock.writes] == [b"a"]


def test_a_write_that_fails_is_not_repeated() -> None:
    """Nothing is written any more to a reader that is gone."""
    writes: list[bytes] = []

    def write(data: bytes) -> None:
        writes.append(data)
        raise OutputError("gone")

    with pytest.raises(OutputError, match="gone"):
        Clock().pace().play([(0.0, b"a"), (1.0, b"b")], write)

    assert writes == [b"a"]


def test_an_empty_stream() -> None:
    """Nothing is written where there is nothing."""
    clock = Clock()

    clock.pace().play([], clock.writer())

    assert clock.writes == []

"""Captures that are replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from laurel_mp.errors import InputError, OutputError
from laurel_mp.loadtest.replay import Options, Replay
from laurel_mp.loadtest.rounds import repeat
from tests.support.clock import Clock

EVENTS = [
    (
        b"type=SYSCALL msg=audit(100.500:7): arch=c000003e syscall=59 items=1 ppid=1 pid=400 auid=0"
        b' comm="sh" key=(null)\n'
        b"type=EOE msg=audit(100.500:7): \n"
    ),
    b"type=BPF msg=audit(100.750:8): op=LOAD\n",
    b"type=BPF msg=audit(104.000:9): op=UNLOAD\n",
]
CAPTURE = b"".join(EVENTS)


@pytest.fixture
def capture(tmp_path: Path) -> str:
    """A file with the capture."""
    path = tmp_path / "capture.txt"
    path.write_bytes(CAPTURE)
    return str(path)


def test_own_timing(capture: str) -> None:
    """Whole events are written when their time stamps say, in the next round too."""
    clock = Clock()

    Replay([capture], Options(rounds=2), clock.pace()).run(clock.writer())

    _first, second = repeat(CAPTURE, 8)
    expected: list[object] = [(0.0, EVENTS[0]), (0.25, EVENTS[1]), (3.5, EVENTS[2])]
    assert expected == [(pytest.approx(due, abs=1e-5), data) for due, data in clock.writes[:3]]
    assert second == b"".join(data for _, data in clock.writes[3:])
    # The capture takes the seconds from 100 to 104, so the next one begins at 105.
    assert [pytest.approx(due, abs=1e-5) for due, _ in clock.writes[3:]] == [5.0, 5.25, 8.5]


def test_faster(capture: str) -> None:
    """Ten times as fast takes a tenth of the time."""
    clock = Clock()

    Replay([capture], Options(speed=10.0), clock.pace()).run(clock.writer())

    assert [pytest.approx(due, abs=1e-5) for due, _ in clock.writes] == [0.0, 0.025, 0.35]


def test_fixed_rate(capture: str) -> None:
    """Time stamps do not matter then."""
    clock = Clock()

    Replay([capture], Options(rate=2.0), clock.pace()).run(clock.writer())

    assert [pytest.approx(due, abs=1e-5) for due, _ in clock.writes] == [0.0, 0.5, 1.0]
    assert [data for _, data in clock.writes] == EVENTS


@pytest.mark.parametrize(
    ("options", "rounds"),
    [
        (Options(speed=None), 1),
        (Options(speed=None, rounds=3), 3),
        (Options(speed=None, lines=5), 2),
        (Options(speed=None, lines=4), 1),
        (Options(speed=None, events=4), 2),
        (Options(speed=None, events=7), 3),
    ],
)
def test_whole_rounds(capture: str, options: Options, rounds: int) -> None:
    """As many as were asked for, each whole, and the counts say so."""
    written: list[bytes] = []

    done = Replay([capture], options).run(written.append)

    assert b"".join(repeat(CAPTURE, 4 * rounds)) == b"".join(written)
    assert (3 * rounds, 4 * rounds, rounds) == (done.events, done.lines, done.rounds)
    assert done.bytes == len(b"".join(written))
    assert not done.closed


def test_without_end(capture: str) -> None:
    """It continues until its reader leaves, and ends quietly then."""
    written: list[bytes] = []

    def write(data: bytes) -> None:
        if len(written) == 100:
            raise OutputError("its reader has gone", closed=True)
        written.append(data)

    done = Replay([capture], Options(speed=None, rounds=None)).run(write)

    assert b"".join(repeat(CAPTURE, 400)) == b"".join(written)
    assert done.closed
    assert done.lines == 400


def test_other_errors_of_the_output_go_through(capture: str) -> None:
    """A disk that is full is no end."""

    def write(_data: bytes) -> None:
        raise OutputError("disk full")

    with pytest.raises(OutputError, match="disk full"):
        Replay([capture], Options()).run(write)


def test_events_that_never_come(tmp_path: Path) -> None:
    """A capture without events has one round, however many events are wanted."""
    path = tmp_path / "capture.txt"
    path.write_bytes(b"garbage\n")
    written: list[bytes] = []

    Replay([str(path)], Options(speed=None, events=5)).run(written.append)

    assert written == [b"garbage\n"]


def test_an_empty_capture(tmp_path: Path) -> None:
    """Nothing can be made out of nothing: it would go on for ever."""
    path = tmp_path / "capture.txt"
    path.touch()

    with pytest.raises(InputError, match="empty"):
        Replay([str(path)], Options(rounds=None)).run(lambda _data: None)


def test_time_stamps_move(capture: str) -> None:
    """To a second that was given."""
    written: list[bytes] = []

    Replay([capture], Options(speed=None, second=5000)).run(written.append)

    expected = CAPTURE.replace(b"(100.", b"(5000.").replace(b"(104.", b"(5004.")
    assert expected == b"".join(written)

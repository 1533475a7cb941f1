"""Events without an end: by the clock of their arrival, whatever the stream says about time."""

from pathlib import Path

import pytest

from tests.support.plugin import configure, numbers, plugin, written
from tests.support.streams import eoe, event, record, syscall, user
from tests.support.waiting import wait_until

SOON = "end-of-event-timeout = 0.3"
LATE = "end-of-event-timeout = 60"

FUTURE = 4_000_000_000
"""A second in the year 2096."""


@pytest.mark.parametrize("workers", [0, 2])
def test_quiet_host(tmp_path: Path, workers: int) -> None:
    """L7 (a): an event whose end never comes is given out although nothing else comes."""
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, workers, more=SOON)) as running:
        running.give(eoe(1) + syscall(7))
        wait_until(lambda: numbers(log) == [7], "the event is in the log", 20)

    assert written(log)[0]["INCOMPLETE"] == ["no-eoe"]


@pytest.mark.parametrize("workers", [0, 2])
def test_single_records(tmp_path: Path, workers: int) -> None:
    """L7 (b): a record that is an event of its own waits for nothing, and is complete.

    Other records of the kernel that stand alone, as SECCOMP may, wait for the time-out.
    """
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, workers, more=LATE)) as running:
        running.give(eoe(1) + user(7) + event(8) + record(b"DAEMON_START", 9, b"op=start"))
        wait_until(lambda: numbers(log) == [7, 8, 9], "they are in the log", 20)

    assert b"INCOMPLETE" not in log.read_bytes()


@pytest.mark.parametrize("workers", [0, 2])
def test_time_stamp_of_the_future(tmp_path: Path, workers: int) -> None:
    """L7 (c): a line from the future stops no time-out, nor does what comes after it."""
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, workers, more=SOON)) as running:
        running.give(eoe(1) + event(7, second=FUTURE) + syscall(8, second=FUTURE) + syscall(9))
        wait_until(lambda: sorted(numbers(log)) == [7, 8, 9], "all are in the log", 20)


@pytest.mark.parametrize("workers", [0, 2])
def test_node_whose_clock_is_slow(tmp_path: Path, workers: int) -> None:
    """L7 (d): events of a host whose clock is an hour behind are not cut in two."""
    log = tmp_path / "audit.log"
    pieces = [
        (syscall(serial, second=5000, node=b"slow"), event(serial, second=8600, node=b"fast"),
         eoe(serial, second=5000, node=b"slow"))
        for serial in range(10, 60)
    ]  # fmt: skip
    with plugin(configure(tmp_path, workers, more=LATE)) as running:
        for piece in pieces:
            for lines in piece:
                running.give(lines)
        assert running.end() == 0

    assert len(written(log)) == 100
    assert b"INCOMPLETE" not in log.read_bytes()


@pytest.mark.parametrize("workers", [0, 2])
def test_late_records(tmp_path: Path, workers: int) -> None:
    """L8: what comes after a time-out is given out at once, marked, and its end is no fault."""
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, workers, more=SOON)) as running:
        running.give(eoe(1) + syscall(7))
        wait_until(lambda: numbers(log) == [7], "it was given up", 20)
        running.give(record(b"CWD", 7, b'cwd="/"') + eoe(7) + event(8))
        wait_until(lambda: numbers(log) == [7, 7, 8], "the rest is there")
        assert running.end() == 0
        last = running.messages.splitlines()[-1]

    assert [each.get("INCOMPLETE") for each in written(log)] == [["no-eoe"], ["late"], None]
    assert "stopped: 7 lines, 3 events, 0 filtered events, 0 duplicate lines, 0 malformed" in last


@pytest.mark.parametrize("workers", [0, 2])
def test_user_records_with_one_serial(tmp_path: Path, workers: int) -> None:
    """L21: only the same record again is a duplicate; auditd counts its own records apart."""
    records = [user(7), user(7, b"op=y"), record(b"DAEMON_ROTATE", 7, b"op=rotate"), user(7)]
    with plugin(configure(tmp_path, workers)) as running:
        running.give(eoe(1) + event(7) + b"".join(records))
        assert running.end() == 0
        last = running.messages.splitlines()[-1]

    kinds = [list(each)[1] for each in written(tmp_path / "audit.log")]
    assert kinds == ["SYSCALL", "USER_CMD", "USER_CMD", "DAEMON_ROTATE"]
    assert "4 events, 0 filtered events, 1 duplicate lines" in last

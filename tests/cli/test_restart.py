"""One run after another, and two at once, in one directory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.plugin import configure, numbers, plugin, written
from tests.support.streams import eoe, event, record, syscall
from tests.support.waiting import wait_until

LATE = "end-of-event-timeout = 60\nstop-timeout = 0.3"


@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 2), (0, 2), (2, 0)])
def test_event_on_its_way(tmp_path: Path, before: int, after: int) -> None:
    """L4, L5: an event that SIGTERM finds half way comes out once, and whole, in the next run."""
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, before, more=LATE)) as running:
        running.give(eoe(1) + event(7) + syscall(8))
        wait_until(lambda: numbers(log) == [7], "it runs", 20)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 0
    assert numbers(log) == [7]

    with plugin(configure(tmp_path, after, more=LATE)) as running:
        running.give(event(8).removeprefix(syscall(8)) + event(9))
        assert running.end() == 0

    assert numbers(log) == [7, 8, 9]
    assert b"INCOMPLETE" not in log.read_bytes()


@pytest.mark.parametrize("workers", [0, 2])
def test_event_that_was_cut_off(tmp_path: Path, workers: int) -> None:
    """L4: what the end of the input cuts off is written then, marked, and never again."""
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, workers, more=LATE)) as running:
        running.give(eoe(1) + event(7) + syscall(8))
        assert running.end() == 0
    for serial in (9, 10):
        with plugin(configure(tmp_path, workers, more=LATE)) as running:
            running.give(event(serial))
            assert running.end() == 0

    assert numbers(log) == [7, 8, 9, 10]
    assert [each.get("INCOMPLETE") for each in written(log)] == [None, ["no-eoe"], None, None]


@pytest.mark.parametrize("workers", [0, 2])
def test_two_generations(tmp_path: Path, workers: int) -> None:
    """The second waits until the first has ended, reads meanwhile, and loses nothing."""
    log = tmp_path / "audit.log"
    config = configure(tmp_path, workers)
    more = b"".join(event(serial) for serial in range(100, 2100))
    with plugin(config, "first") as first:
        first.give(eoe(1) + event(7))
        wait_until(lambda: numbers(log) == [7], "the first runs", 20)
        with plugin(config, "second") as second:
            second.says("waiting for it to end")
            assert f"in use by process {first.process.pid}; " in second.messages
            second.give(eoe(1) + event(50))
            second.give(more)  # much more than a pipe holds
            first.give(event(8))
            wait_until(lambda: numbers(log) == [7, 8], "the first continues")
            assert first.end() == 0
            wait_until(lambda: len(numbers(log)) == 2003, "the second continues", 20)
            assert second.end() == 0

    assert numbers(log) == [7, 8, 50, *range(100, 2100)]
    assert b"INCOMPLETE" not in log.read_bytes()


def test_signals_while_another_one_runs(tmp_path: Path) -> None:
    """One that waits for the directory heeds signals: SIGUSR2, SIGHUP, and SIGTERM.

    What it has read until then, the next one writes.
    """
    log = tmp_path / "audit.log"
    config = configure(tmp_path, more="stop-timeout = 0.3")
    with plugin(config, "first") as first:
        wait_until(log.exists, "the first runs", 20)
        with plugin(config, "second") as second:
            second.says("waiting for it to end")
            second.process.send_signal(signal.SIGUSR2)
            second.says("lines in flight")
            configure(tmp_path, sections='[auditlog]\nfile = "other.log"')
            second.process.send_signal(signal.SIGHUP)
            second.says("configuration reloaded")
            second.give(eoe(1) + event(7))
            assert first.end() == 0
            wait_until(lambda: numbers(tmp_path / "other.log") == [7], "the second continues", 20)
            assert second.end() == 0

    assert numbers(log) == []


SLOW_DISK = """
import os, sys
fsync = os.fsync
def wait(fd):
    if os.readlink(f"/proc/self/fd/{fd}").endswith("/.state.new"):
        open(sys.argv[2] + "/.may-go-on").close()
    fsync(fd)
os.fsync = wait
from laurel_mp.cli.main import main
sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_state_on_a_slow_disk(tmp_path: Path, workers: int) -> None:
    """S4, S1: events flow while a state is brought to the disk; it is below `directory`."""
    log, elsewhere = tmp_path / "audit.log", tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.mkfifo(tmp_path / ".may-go-on")
    config = configure(tmp_path, workers, sections="[state]\nwrite-state-period = 1")
    program = [sys.executable, "-c", SLOW_DISK, "in", str(tmp_path), "-c", str(config)]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, cwd=elsewhere)
    assert process.stdin
    try:
        process.stdin.write(eoe(1) + event(7))
        process.stdin.flush()
        wait_until((tmp_path / ".state.new").exists, "a state is on its way to the disk", 20)
        for serial in range(8, 12):
            process.stdin.write(event(serial))
            process.stdin.flush()
            wait_until(lambda: numbers(log)[-1:] == [serial], "events flow")  # noqa: B023
        assert not (tmp_path / "state").exists()
        (tmp_path / ".may-go-on").open("wb").close()
        wait_until((tmp_path / "state").exists, "the state is there")
        assert list(elsewhere.iterdir()) == []
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_state_of_a_quiet_host(tmp_path: Path, workers: int) -> None:
    """It is written again when nothing has happened: soon it would be too old to be used."""
    log, state = tmp_path / "audit.log", tmp_path / "state"
    config = configure(tmp_path, workers, sections="[state]\nwrite-state-period = 1")
    with plugin(config) as running:
        running.give(event(7))
        wait_until(lambda: numbers(log) == [7] and state.exists(), "it is written", 20)
        for _ in range(2):
            before = state.stat().st_ino
            wait_until(lambda: state.stat().st_ino != before, "it is written again")  # noqa: B023
        assert running.end() == 0


@contextmanager
def sleeping() -> Iterator[int]:
    """The pid of a process that does nothing."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


def named(serial: int, *pids: int) -> bytes:
    """An event that names processes."""
    records = [record(b"OBJ_PID", serial, b"opid=%d" % pid) for pid in pids]
    return syscall(serial) + b"".join(records) + eoe(serial)


@pytest.mark.parametrize("workers", [0, 2])
def test_processes_that_came_and_went(tmp_path: Path, workers: int) -> None:
    """S5: what a run knows of processes is what the one before knew, and what /proc says since."""
    log = tmp_path / "audit.log"
    config = configure(tmp_path, workers)
    config.write_text(config.read_text().replace("pid = false", "pid = true"))
    second = int(time.time()) + 2
    with sleeping() as stays:
        with sleeping() as goes, plugin(config) as running:
            running.give(eoe(1) + b"".join(
                syscall(serial, second=second, pid=pid, number=59) + eoe(serial, second=second)
                for serial, pid in ((10, stays), (11, goes))
            ) + named(12, stays, goes))  # fmt: skip
            assert running.end() == 0
        with sleeping() as comes, plugin(config) as running:
            running.give(named(13, comes) + event(14, pid=stays) + event(15, pid=goes))
            assert running.end() == 0

    *_, former, new, old, reused = written(log)
    known = [each["OPID"]["EVENT_ID"] for each in former["OBJ_PID"]]
    assert known == [f"{second}.000:10", f"{second}.000:11"]
    assert new["OBJ_PID"][0]["OPID"]["comm"] == "sleep"
    assert new["OBJ_PID"][0]["OPID"]["START_TIME"]
    assert old["SYSCALL"]["PID"] == {"EVENT_ID": f"{second}.000:10"}
    assert reused["SYSCALL"]["PID"] == {"EVENT_ID": "1000.000:15"}

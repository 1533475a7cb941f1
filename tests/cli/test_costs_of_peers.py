"""Defects of another implementation in cost and reports, which this one does not have.

Each docstring names the row of the list of such defects: C for cost and reports, R for revert.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from laurel_mp.config import Config
from laurel_mp.events.reassembly.duplicate_window import DuplicateWindow
from laurel_mp.processes.users import MAX_NAMES, Answers, Names, Question
from tests.support.commands import COMMAND, convert, wait_for_children
from tests.support.pipelines import StagePipeline, with_pipeline
from tests.support.plugin import Plugin, configure, numbers, plugin
from tests.support.streams import eoe, event, record, syscall, user
from tests.support.waiting import wait_until

ONE_FILE = "[auditlog]\nsize = 0"
"""However much is written."""

# --- C1: writes


@contextmanager
def busy(running: Plugin, *, most: int = 300_000) -> Iterator[None]:
    """Events come one by one for the length of the block."""
    stop = threading.Event()

    def feed() -> None:
        for serial in range(10, most):
            if stop.is_set():
                return
            running.give(event(serial))

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def writes_of(pid: int) -> int:
    """Number of calls of write(2) that a process has made."""
    text = Path(f"/proc/{pid}/io").read_text()
    return int(re.findall(r"^syscw: (\d+)$", text, re.MULTILINE)[0])


def test_whole_lines_many_at_a_time(tmp_path: Path) -> None:
    """C1: each write is of whole lines, of many where many come; no reader sees half an event.

    A stopped process is never within a write to a file: so what is there then, a write has left.
    """
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, sections=ONE_FILE)) as running:
        process = psutil.Process(running.process.pid)
        with busy(running):
            wait_until(lambda: log.exists() and log.stat().st_size > 0, "it writes", 20)
            before = writes_of(process.pid)
            for _ in range(60):
                process.suspend()
                wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "it is stopped")
                with log.open("rb") as file:
                    size = file.seek(-1, os.SEEK_END) + 1
                    last = file.read()
                process.resume()
                assert last == b"\n"
                wait_until(lambda size=size: log.stat().st_size > size, "it writes more", 20)  # type: ignore[misc]
        wrote = writes_of(process.pid) - before
        assert running.end() == 0

    assert len(numbers(log)) > 5 * wrote


# --- C2, C3, C4: memories, /proc, names


def test_ids_are_remembered_for_two_windows_at_most() -> None:
    """C2: what was seen is let go in a piece, and is not looked through while it is there."""
    window = 2.0
    pipeline = StagePipeline(with_pipeline(Config(), duplicate_window=window), 0)
    (decoder,) = pipeline._decoders
    most = 0
    for second in range(1000, 1060):
        lines = b"".join(event(1000 * second + n, second=second) for n in range(100))
        pipeline.feed(lines, float(second))
        most = max(most, decoder._coalescer.statistics()["remembered"])
    pipeline.finish()

    assert 100 * window <= most <= 100 * 3 * window

    remembered = DuplicateWindow(window)
    for number in range(1000):
        remembered.note(b"%d" % number, 0.0)
    (recent,) = remembered.state().recent
    remembered.turn()
    (older,) = remembered.state().older
    assert older is recent


# Python says what it opens and lists; with this, a list of it is left at the end.
_WATCH = """
import atexit, os, sys
from collections import Counter
seen = Counter()
def look(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        name = os.fsdecode(arguments[0])
        if name.startswith("/proc"):
            seen[f"{event} {name}"] += 1
path = sys.argv.pop(1)
def leave():
    with open(path, "w") as file:
        file.writelines(f"{number} {what}\\n" for what, number in seen.items())
atexit.register(leave)
sys.addaudithook(look)
from laurel_mp.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def watched(tmp_path: Path, *arguments: object, stdin: bytes) -> Counter[str]:
    """Run the program; what it has opened and listed below /proc, and how often."""
    path = tmp_path / "seen"
    command = [sys.executable, "-c", _WATCH, str(path), *map(str, arguments)]
    # With a PATH, or else it would start itself again, without us.
    subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=100)
    found: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        number, _, what = line.partition(" ")
        found[what] += int(number)
    return found


HOURS = b"".join(event(second, second=second, pid=os.getpid()) for second in range(1000, 8200, 2))
"""Two logged hours of a process that there is on this host."""


def test_a_log_of_hours_asks_nothing_of_this_host(tmp_path: Path) -> None:
    """C3: however many seconds a log spans, /proc is not looked at when it is converted."""
    seen = watched(tmp_path, "convert", "-w", "0", "-o", tmp_path / "out", stdin=HOURS)

    lists = [what for what in seen if "scandir" in what or re.search(r"/proc/\d+", what)]
    assert lists == []
    assert (tmp_path / "out").read_bytes().count(b"\n") == 3600


def test_processes_are_listed_once(tmp_path: Path) -> None:
    """C3: as a plugin, /proc is listed at the start, and not again because a stream spans hours."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'directory = "{tmp_path}"\n[pipeline]\nworkers = 0\n[loss]\nrecords = "never"\n'
    )
    config.chmod(0o600)

    seen = watched(tmp_path, "-c", config, stdin=HOURS)

    lists = {what: times for what, times in seen.items() if re.fullmatch(r"\S+ /proc/?", what)}
    assert list(lists.values()) == [1]
    assert len(numbers(tmp_path / "audit.log")) == 3600


class Directory:
    """A user database that counts questions and knows no user."""

    def __init__(self) -> None:
        self.asked: Counter[Question] = Counter()

    def ask(self, question: Question) -> Answers:
        """No user has this number."""
        self.asked[question] += 1
        return [(question, ())]

    def late(self) -> Answers:
        """No answer is late."""
        return []


def test_names_are_asked_for_when_they_are_needed() -> None:
    """C4: nothing is asked at the start, a miss is remembered, and there is a bound for all."""
    directory = Directory()
    names = Names(directory)
    names.refresh(0.0)
    assert not directory.asked

    for _ in range(3):
        assert names.user(4711) == b"unknown(4711)"
    assert list(directory.asked.values()) == [1]

    for uid in range(3 * MAX_NAMES):
        names.user(uid)
    statistics = names.statistics()
    assert statistics.remembered <= 3 * (MAX_NAMES + 2)
    assert statistics.overflows > 0


# --- C5, C6, C7: reports


def events_said(text: str) -> list[int]:
    """The numbers of events in messages."""
    return [int(number) for number in re.findall(r"(\d+) events,", text)]


@pytest.mark.parametrize("workers", [0, 1])
def test_events_are_counted(tmp_path: Path, workers: int) -> None:
    """C5: the log says how many events there were, and that is how many lines were written."""
    with plugin(configure(tmp_path, workers)) as running:
        running.give(b"".join(event(serial) for serial in range(10, 133)))
        wait_until(lambda: len(numbers(tmp_path / "audit.log")) == 123, "they are written", 20)

        def said() -> bool:
            """True if the status says so; written output may not be counted yet."""
            running.process.send_signal(signal.SIGUSR2)
            return 123 in events_said(running.messages)

        wait_until(said, "it says so", 20)
        assert running.end() == 0
        last = running.messages.splitlines()[-1]

    assert events_said(last) == [123]


def test_system_time_is_system_time(tmp_path: Path) -> None:
    """C6: the CPU times of a report, user and system, are those that the kernel has counted."""
    with plugin(configure(tmp_path)) as running:
        running.give(b"".join(event(serial) for serial in range(10, 5000)))
        wait_until(lambda: len(numbers(tmp_path / "audit.log")) == 4990, "it is done", 40)
        running.process.send_signal(signal.SIGUSR2)
        running.says("status: ")
        spent = psutil.Process(running.process.pid).cpu_times()
        assert running.end() == 0
        said = re.findall(r"([\d.]+) s user and ([\d.]+) s system", running.messages)

    user_time, system_time = said[-1]
    assert float(user_time) == pytest.approx(spent.user, abs=0.3)
    assert float(system_time) == pytest.approx(spent.system, abs=0.3)


def test_totals_are_totals(tmp_path: Path) -> None:
    """C7: totals grow over periods, the last one is complete, and quiet is reported, too."""
    top = "statusreport-period = 1"
    with plugin(configure(tmp_path, top=top, more="end-of-event-timeout = 60")) as running:
        running.says("status: ")  # although nothing has come
        running.give(b"bad\n")
        wait_until(lambda: " 1 malformed lines in total" in running.messages, "of bad ones", 20)
        for serial in (10, 11, 12):
            running.give(event(serial))
            wait_until(lambda serial=serial: f"; {3 * (serial - 9) + 1} lines, {serial - 9} events"  # type: ignore[misc]
                       in running.messages, "the total has grown", 20)  # fmt: skip
        times = running.messages.count("status: ")
        running.says("status: ", times + 1)
        running.give(event(13))
        assert running.end() == 0
        last = running.messages.splitlines()[-1]

    assert "stopped: 13 lines, 4 events" in last


# --- C8: files


def test_a_slow_disk_is_the_writers_alone(tmp_path: Path) -> None:
    """C8: while the process that writes stands still, as in an fsync, the input is read."""
    size = 4 << 20
    lines = b"".join(event(serial) for serial in range(10, 10 + size // len(event(10))))
    with plugin(configure(tmp_path, 1, sections=ONE_FILE)) as running:
        writer = wait_for_children(running.process, 1)["writer"]
        running.give(event(1))
        wait_until(lambda: numbers(tmp_path / "audit.log") == [1], "it writes", 20)
        writer.suspend()
        running.give(lines)  # much more than a pipe holds: this returns when it was read
        assert numbers(tmp_path / "audit.log") == [1]
        writer.resume()
        assert running.end(60) == 0

    assert numbers(tmp_path / "audit.log") == [1, *range(10, lines.count(b"type=EOE") + 10)]


def test_others_may_rotate(tmp_path: Path) -> None:
    """C8: after logrotate has moved the file and sent SIGUSR1, a new one is written."""
    log, moved = tmp_path / "audit.log", tmp_path / "moved"
    with plugin(configure(tmp_path)) as running:
        running.give(event(10))
        wait_until(lambda: numbers(log) == [10], "it writes", 20)
        log.rename(moved)
        running.process.send_signal(signal.SIGUSR1)
        running.give(event(11))
        wait_until(lambda: numbers(log) == [11], "it writes a new one", 20)
        assert running.end() == 0

    assert numbers(moved) == [10]


# --- R1, R2, R3: the way back


def back(lines: bytes) -> bytes:
    """Audit lines of the JSON of audit lines."""
    converted = convert(stdin=lines)
    assert converted.returncode == 0
    done = subprocess.run(
        [*COMMAND, "revert", "--raw"],
        input=converted.stdout,
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    return done.stdout


def test_objects_and_lists_come_back() -> None:
    """R1: a record of user space, whose `msg` is an object in JSON, is a line again; so is ARGV."""
    message = user(10, b'op=PAM:session_open grantors=pam_unix acct="root" exe="/usr/bin/su" res=1')
    execve = (
        syscall(11, number=59)
        + record(b"EXECVE", 11, b'argc=3 a0="ls" a1="-l" a2=2F746D702F612062')
        + eoe(11)
    )

    assert back(message) == message
    assert back(execve) == execve


def test_the_node_comes_first() -> None:
    """R2: as auditd writes it, and as everybody reads it; so two nodes can be read again."""
    lines = b"".join(
        syscall(serial, node=node) + eoe(serial, node=node)
        for serial, node in ((10, b"web01"), (11, b"db02"))
    )

    assert back(lines) == lines
    assert re.findall(rb"^node=(\w+) type=SYSCALL ", back(lines), re.MULTILINE) == [
        b"web01",
        b"db02",
    ]


def test_bytes_come_back() -> None:
    """R3: what JSON shows percent-encoded, null and joined arguments are as they were."""
    path = b"item=0 name=2F746D702F256132FF0A22 inode=1 nametype=NORMAL"
    nothing = b"item=1 name=(null) inode=2 nametype=PARENT"
    lines = (
        syscall(10, items=2)
        + record(b"PATH", 10, path)
        + record(b"PATH", 10, nothing)
        + record(b"PROCTITLE", 10, b"proctitle=6C73002D6C00612062")
        + eoe(10)
    )
    shown = json.loads(convert(stdin=lines).stdout)

    assert "%ff" in shown["PATH"][0]["name"].lower()
    assert shown["PATH"][1]["name"] is None
    assert back(lines) == lines

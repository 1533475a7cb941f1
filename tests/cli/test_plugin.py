"""`laurel-mp` as auditd's plugin: from standard input to audit.log, as it comes."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from laurel_mp.config import load
from tests.support.commands import all_children, plugin_config, started, wait_for_children
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name
from tests.support.pipelines import run
from tests.support.plugin import ids, write
from tests.support.streams import eoe, event, syscall
from tests.support.waiting import wait_until

LIVE: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
SCRIPT = Path(sys.executable).parent / "laurel-mp"

# What auditd leaves a new plugin with [auditd: audisp/audispd.c], by way of another interpreter.
LIKE_AUDITD = """
import os, signal, sys
blocked = sys.argv[1] == "blocked"
numbers = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
if blocked:
    signal.pthread_sigmask(signal.SIG_BLOCK, {
        signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD,
        signal.SIGCONT})
else:
    for number in numbers - {signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)
null = os.open(os.devnull, os.O_RDWR)
os.dup2(null, 1)
os.dup2(null, 2)
os.chdir("/")
os.umask(0o022)
os.execve(sys.argv[2], sys.argv[2:], {})
"""


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=corpus_name(path))
        for path in corpus_files()
        if "raw" in path.name and "builds" not in path.name
    ],
)
def test_until_the_end_of_input(tmp_path: Path, path: Path, workers: int) -> None:
    """All of the input becomes events in a log that others cannot read; then it ends."""
    config = plugin_config(tmp_path, workers=workers)
    with started("-c", config, **LIVE) as process:
        _, messages = process.communicate(corpus_bytes(path), timeout=60)

    expected = run([corpus_bytes(path)], config=load(config))
    assert process.returncode == 0, messages
    log = tmp_path / "audit.log"
    assert expected.text == log.read_bytes()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    stopped = (
        "laurel-mp: stopped: {lines} lines, {events} events, 0 filtered events, "
        "0 duplicate lines, 0 malformed lines in total"
    )
    assert stopped.format(**expected.counters) == messages.decode().splitlines()[-1]


@pytest.mark.parametrize("workers", [0, 2])
def test_log_is_continued(tmp_path: Path, workers: int) -> None:
    """Lines of an earlier run stay."""
    config = plugin_config(tmp_path, workers=workers)
    for serial in (7, 8):
        with started("-c", config, **LIVE) as process:
            process.communicate(eoe(1) + event(serial) + b"bad %d\n" % serial, timeout=60)

    assert ids(tmp_path / "audit.log") == ["1000.000:7", "1000.000:8"]
    assert (tmp_path / "malformed.log").read_bytes() == b"bad 7\nbad 8\n"


@pytest.mark.parametrize("workers", [0, 2])
def test_events_come_while_it_runs(tmp_path: Path, workers: int) -> None:
    """An event is in the log soon after its last record, although input follows."""
    log = tmp_path / "audit.log"
    with started("-c", plugin_config(tmp_path, workers=workers), **LIVE) as process:
        write(process, eoe(1) + event(7))
        wait_until(lambda: ids(log) == ["1000.000:7"], "the first event is in the log")
        write(process, event(8)[:60])
        write(process, event(8)[60:])
        wait_until(lambda: ids(log) == ["1000.000:7", "1000.000:8"], "the second one, too")


@pytest.mark.parametrize("workers", [0, 2])
def test_file_that_is_moved_while_nothing_comes(tmp_path: Path, workers: int) -> None:
    """The next event is in a new one, however long the old one was missing."""
    log = tmp_path / "audit.log"
    with started("-c", plugin_config(tmp_path, workers=workers), **LIVE) as process:
        write(process, eoe(1) + event(7))
        wait_until(lambda: ids(log) == ["1000.000:7"], "the first event is in the log")
        time.sleep(3)  # it has looked, and will not look again soon
        log.rename(tmp_path / "moved.log")
        time.sleep(1.5)
        write(process, event(8))
        wait_until(lambda: log.exists() and ids(log) == ["1000.000:8"], "the next is in another")

    assert ids(tmp_path / "moved.log") == ["1000.000:7"]


@pytest.mark.parametrize("workers", [0, 2])
def test_terminate_reads_on(tmp_path: Path, workers: int) -> None:
    """L5: After SIGTERM the last records are still read: the input's end is the end."""
    with started("-c", plugin_config(tmp_path, workers=workers), **LIVE) as process:
        write(process, eoe(1) + event(7))
        wait_until(lambda: ids(tmp_path / "audit.log"), "it runs")
        process.send_signal(signal.SIGTERM)
        write(process, event(8))
        assert process.stdin
        process.stdin.close()
        assert process.wait(4) == 0  # and does not wait for its deadline

    assert ids(tmp_path / "audit.log") == ["1000.000:7", "1000.000:8"]


@pytest.mark.parametrize("workers", [0, 2])
def test_terminate_ends_it(tmp_path: Path, workers: int) -> None:
    """L5: An input that does not end after SIGTERM is left after some seconds, without a loss."""
    with started("-c", plugin_config(tmp_path, workers=workers), **LIVE) as process:
        write(process, eoe(1) + event(7))
        wait_until(lambda: ids(tmp_path / "audit.log"), "it runs")
        process.send_signal(signal.SIGTERM)
        write(process, event(8) + syscall(9))
        wait_until(lambda: len(ids(tmp_path / "audit.log")) >= 2, "it reads on")

        assert process.wait(15) == 0

    assert ids(tmp_path / "audit.log") == ["1000.000:7", "1000.000:8", "1000.000:9"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_other_signals(tmp_path: Path, number: signal.Signals) -> None:
    """Signals that auditd passes on do not end it; after SIGUSR1 there is a new file."""
    log, former = tmp_path / "audit.log", tmp_path / "audit.log.1"
    with started("-c", plugin_config(tmp_path), **LIVE) as process:
        write(process, eoe(1) + event(7))
        wait_until(lambda: ids(log), "it runs")
        process.send_signal(number)
        if number == signal.SIGUSR1:
            wait_until(former.exists, "there is another file")
        write(process, event(8))
        wait_until(lambda: len(ids(former) + ids(log)) == 2, "it continues")

    assert former.exists() == (number == signal.SIGUSR1)


@pytest.mark.parametrize("victim", ["worker 1/2", "worker 2/2", "tracker", "writer", "fork server"])
def test_child_killed_while_idle(tmp_path: Path, victim: str) -> None:
    """A child that is killed is replaced, and the log says so, also when idle."""
    with started("-c", plugin_config(tmp_path, workers=2), **LIVE) as process:
        write(process, eoe(1) + event(7))
        wait_until(lambda: ids(tmp_path / "audit.log"), "it runs")
        wait_for_children(process, 2)[victim].kill()
        write(process, event(8))
        wait_until(lambda: len(ids(tmp_path / "audit.log")) == 2, "it continues")
        _, messages = process.communicate(timeout=20)

    assert process.returncode == 0
    assert b"restarting all processes from the last checkpoint" in messages
    assert ids(tmp_path / "audit.log") == ["1000.000:7", "1000.000:8"]


def test_killed(tmp_path: Path) -> None:
    """When the program itself is killed, no child of it stays."""
    with started("-c", plugin_config(tmp_path, workers=2), **LIVE) as process:
        children = wait_for_children(process, 2)
        process.kill()
        process.wait()
        wait_until(
            lambda: not any(_lives(child) for child in children.values()), "all have ended", 10
        )
        for left in Path("/tmp").glob("sockets-*/laurel-mp-*"):  # no process is left to do it
            shutil.rmtree(left)


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("signals", ["ignored", "blocked"])
@pytest.mark.parametrize("start", [[sys.executable, "-m", "laurel_mp"], [SCRIPT]])
def test_started_like_auditd_does(tmp_path: Path, signals: str, start: list[object]) -> None:
    """Without an environment, with signals ignored or blocked, it works: titles, SIGTERM, all.

    auditd's end of the socket, of which it has inherited a copy, does not keep it from seeing
    the end of its input.
    """
    ours, theirs = socket.socketpair()
    config = plugin_config(tmp_path, workers=2)
    command = [sys.executable, "-c", LIKE_AUDITD, signals, *map(str, start), "-c", str(config)]
    with theirs:
        process = subprocess.Popen(command, stdin=theirs.fileno(), pass_fds=(ours.fileno(),))
    try:
        ours.sendall(eoe(1) + event(7))
        wait_until(lambda: ids(tmp_path / "audit.log"), "the first event is in the log", 20)
        assert all_children(2) == set(wait_for_children(process, 2))
        # It has a title only with an environment: that lies behind the arguments in memory.
        assert psutil.Process(process.pid).cmdline()[0].rstrip() == "laurel-mp: ingest"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        ours.sendall(event(8))
        ours.close()  # the last one that can write: the copy that it inherited is closed
        assert process.wait(4) == 0
    finally:
        ours.close()
        process.kill()
        process.wait()
    assert ids(tmp_path / "audit.log") == ["1000.000:7", "1000.000:8"]
    assert stat.S_IMODE((tmp_path / "audit.log").stat().st_mode) == 0o600


def test_unwritable_log(tmp_path: Path) -> None:
    """A log that cannot be written is said on stderr; the status is 1."""
    config = plugin_config(tmp_path, workers=2)
    (tmp_path / "audit.log").mkdir()
    with started("-c", config, **LIVE) as process:
        _, messages = process.communicate(eoe(1) + event(7), timeout=30)

    assert process.returncode == 1
    assert f"{tmp_path}/audit.log: cannot be written: " in messages.decode()
    assert "Traceback" not in messages.decode()


def test_missing_eoe_is_said_once(tmp_path: Path) -> None:
    """A long stream without any EOE record is worth one message."""
    lines = (syscall(serial) + b"type=PROCTITLE msg=audit(1000.000:%d): proctitle=41\n" % serial
             for serial in range(40_000))  # fmt: skip
    with started("-c", plugin_config(tmp_path), **LIVE) as process:
        _, messages = process.communicate(b"".join(lines), timeout=60)

    assert messages.count(b"no EOE record in 4 MiB") == 1


@pytest.mark.parametrize(("workers", "title"), [(0, "ingest, all stages"), (2, "ingest")])
def test_title(tmp_path: Path, workers: int, title: str) -> None:
    """The first process says what it does, too; pidof(8) finds it by the program's name."""
    with started("-c", plugin_config(tmp_path, workers=workers), **LIVE) as process:
        found = psutil.Process(process.pid)
        wait_until(lambda: "".join(found.cmdline()).rstrip() == f"laurel-mp: {title}", "title", 20)
        assert found.name() == "laurel-mp"
        process.communicate(timeout=60)


def test_nothing_is_left(tmp_path: Path) -> None:
    """Of an ended program no process and no socket is left."""
    with started("-c", plugin_config(tmp_path, workers=2), **LIVE) as process:
        children = wait_for_children(process, 2)
        assert process.stdin
        process.stdin.close()
        assert process.wait(10) == 0
        assert not any(_lives(child) for child in children.values())
        assert not titles_of_all(os.getpid())


def titles_of_all(pid: int) -> list[str]:
    """The titles of all processes of ours below `pid`."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        if child.status() != psutil.STATUS_ZOMBIE:
            found += [word for word in child.cmdline() if word.startswith("laurel-mp: ")]
    return found

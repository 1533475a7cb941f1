"""SIGHUP: another configuration comes into force, and not a byte of the input is lost."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.auditd_start import SCRIPT
from tests.support.plugin import configure, ids, numbers, plugin
from tests.support.streams import eoe, event
from tests.support.waiting import wait_until

AGAIN = "configuration reloaded"


@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 2), (0, 2), (2, 0)])
def test_in_the_middle_of_a_line(tmp_path: Path, before: int, after: int) -> None:
    """L3: a line of which one half comes before SIGHUP and one behind it stays one line."""
    log = tmp_path / "audit.log"
    with plugin(configure(tmp_path, before)) as running:
        running.give(eoe(1) + event(7) + event(8)[:100])
        wait_until(lambda: numbers(log) == [7], "the first half is read")
        configure(tmp_path, after)
        running.process.send_signal(signal.SIGHUP)
        running.says(AGAIN)
        running.give(event(8)[100:])
        wait_until(lambda: numbers(log) == [7, 8], "the line is whole")
        assert running.end() == 0

    assert b"INCOMPLETE" not in log.read_bytes()
    assert (tmp_path / "malformed.log").read_bytes() == b""


@pytest.mark.parametrize("workers", [0, 2])
def test_quiet_host(tmp_path: Path, workers: int) -> None:
    """L6: SIGHUP is heeded at once, although no record comes."""
    with plugin(configure(tmp_path, workers)) as running:
        wait_until((tmp_path / "audit.log").exists, "it runs", 20)
        configure(tmp_path, workers, sections='[auditlog]\nfile = "other.log"')
        running.process.send_signal(signal.SIGHUP)
        wait_until((tmp_path / "other.log").exists, "the new output is there")
        assert AGAIN in running.messages


BROKEN = {
    "no TOML": ("= 1", "not valid TOML"),
    "unknown key": ("colour = 1", "colour: unknown key"),
    "unknown reader": (
        "[auditlog]\nread-users = ['nobody-here']",
        "no such user: 'nobody-here'",
    ),
    "no filter log": ("[filter]\nfilter-action = 'log'", "needs a file in [filterlog]"),
    "a directory for a log": ("[auditlog]\nfile = 'directory'", "directory: cannot be written: "),
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_configuration(tmp_path: Path, kind: str, workers: int) -> None:
    """S10, S9, L20: a configuration that cannot be used is said, and the former one stays."""
    text, message = BROKEN[kind]
    log = tmp_path / "audit.log"
    (tmp_path / "directory").mkdir()
    with plugin(configure(tmp_path, workers)) as running:
        running.give(eoe(1) + event(7) + event(8)[:100])
        wait_until(lambda: numbers(log) == [7], "it runs", 20)
        path = configure(tmp_path, workers)
        path.write_text(text if "[" not in text else f'directory = "{tmp_path}"\n{text}\n')
        running.process.send_signal(signal.SIGHUP)
        running.says("keeping the former configuration")
        running.give(event(8)[100:] + event(9))
        wait_until(lambda: numbers(log) == [7, 8, 9], "it continues")
        assert message in running.messages
        configure(tmp_path, workers, sections='[auditlog]\nfile = "other.log"')
        running.process.send_signal(signal.SIGHUP)
        wait_until((tmp_path / "other.log").exists, "the next one is taken")
        assert running.end() == 0


def test_configuration_is_gone(tmp_path: Path) -> None:
    """S10: where there is no configuration any more, the former one stays."""
    path = configure(tmp_path)
    with plugin(path) as running:
        wait_until((tmp_path / "audit.log").exists, "it runs", 20)
        path.unlink()
        running.process.send_signal(signal.SIGHUP)
        running.says("keeping the former configuration")
        running.give(eoe(1) + event(7))
        assert running.end() == 0

    assert numbers(tmp_path / "audit.log") == [7]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A socket that listens as auditd's af_unix plugin does."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory, socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{directory}/events")
        one.listen()
        one.settimeout(20)
        yield one


def test_unix_input_stays_open(tmp_path: Path, server: socket.socket) -> None:
    """S10: an input socket stays connected, and its content is not lost."""
    log = tmp_path / "audit.log"
    top = f'input = "unix:{server.getsockname()}"'
    with plugin(configure(tmp_path, top=top), stdin=subprocess.DEVNULL) as running:
        connection, _ = server.accept()
        with connection:
            connection.sendall(eoe(1) + event(7) + event(8)[:100])
            wait_until(lambda: numbers(log) == [7], "it runs", 20)
            configure(tmp_path, 2, top=top)
            running.process.send_signal(signal.SIGHUP)
            connection.sendall(event(8)[100:])
            running.says(AGAIN)
            wait_until(lambda: numbers(log) == [7, 8], "it continues", 20)
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept()
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(20) == 0

    assert (tmp_path / "malformed.log").read_bytes() == b""


@pytest.mark.parametrize("workers", [0, 2])
def test_unwritable_parse_error_log(tmp_path: Path, workers: int) -> None:
    """L17: it ends nothing; what it could not take is in the next one, and no event is lost."""
    log = tmp_path / "audit.log"
    path = configure(tmp_path, workers)
    path.write_text(path.read_text().replace('"malformed.log"', '"/dev/full"'))
    with plugin(path) as running:
        running.give(eoe(1) + event(7))
        wait_until(lambda: numbers(log) == [7], "it runs", 20)
        running.give(b"bad\n" + event(8))
        running.says("/dev/full: output stalled: No space left on device")
        running.give(event(9))
        configure(tmp_path, workers)
        running.process.send_signal(signal.SIGHUP)
        running.says(AGAIN)
        assert running.end() == 0

    assert numbers(log) == [7, 8, 9]
    assert (tmp_path / "malformed.log").read_bytes() == b"bad\n"


FILTERED = """
[filter]
keep-first-per-process = false
filter-raw-lines = [' pid=77 ']
filter-action = "log"
[filterlog]
file = "filtered.log"
"""

PHASES = [
    (0, '[auditlog]\nfile = "0.log"'),
    (2, '[auditlog]\nfile = "1.log"' + FILTERED),
    (0, '[auditlog]\nfile = "2.log"'),
    (2, '[auditlog]\nfile = "3.log"' + FILTERED),
]


def test_everything_changes_while_events_come(tmp_path: Path) -> None:
    """Outputs, filters and the worker count change: each event is written once, in order."""
    serial = 10
    kept, filtered = [tmp_path / f"{number}.log" for number in range(4)], tmp_path / "filtered.log"
    with plugin(configure(tmp_path, PHASES[0][0], sections=PHASES[0][1])) as running:
        running.give(eoe(1))

        def some() -> None:
            nonlocal serial
            for _ in range(50):
                running.give(event(serial, pid=77) + event(serial + 1))
                serial += 2

        for number, (workers, sections) in enumerate(PHASES):
            if number:
                configure(tmp_path, workers, sections=sections)
                running.process.send_signal(signal.SIGHUP)

            def flows(log: Path = kept[number]) -> bool:
                some()
                return bool(ids(log))

            wait_until(flows, f"events come into {kept[number]}", 30)
            some()
        assert running.end() == 0

    main = [each for log in kept for each in numbers(log)]
    aside = numbers(filtered)
    assert main == sorted(main)
    assert aside == sorted(aside)
    assert sorted(main + aside) == list(range(10, serial))
    assert all(each % 2 == 0 for each in aside)
    assert not {*range(serial - 100, serial, 2)} - {*aside}, "the last filters are not in force"


@pytest.mark.parametrize("environment", [{}, {b"PATH": os.fsencode(os.defpath), b"X": b"\xff"}])
def test_odd_start(tmp_path: Path, environment: dict[bytes, bytes]) -> None:
    """S10: neither relative paths nor an environment that is no text stop it, also on SIGHUP.

    L20: `[auditlog]` without a file means the usual one.
    """
    config = configure(tmp_path, 2, sections="[auditlog]\nsize = 100000")
    (tmp_path / "program").symlink_to(SCRIPT)
    log = tmp_path / "audit.log"
    messages = tmp_path / "messages"
    with messages.open("wb") as file:
        process = subprocess.Popen(
            ["./program", "-c", config.name],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.PIPE,
            stderr=file,
        )
    assert process.stdin
    try:
        process.stdin.write(eoe(1) + event(7))
        process.stdin.flush()
        wait_until(lambda: numbers(log) == [7], "it runs", 20)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: AGAIN in messages.read_text(), "it continues", 20)
        process.stdin.write(event(8))
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert numbers(log) == [7, 8]

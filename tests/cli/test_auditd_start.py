"""`laurel-mp` started exactly as auditd starts it, for the first time and again."""

import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

import psutil
import pytest

from laurel_mp import __version__
from tests.support.auditd_start import SCRIPT, Generation, start_as_auditd, syslog
from tests.support.commands import all_children, plugin_config
from tests.support.streams import eoe, event
from tests.support.waiting import wait_until

GENERATIONS = get_args(Generation)

PROGRAMS = {
    "script": (str(SCRIPT),),
    "module": (sys.executable, "-m", "laurel_mp"),
}


@pytest.fixture
def devices() -> Iterator[Path]:
    """An empty directory that becomes the program's /dev; its name is short enough."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def events(directory: Path) -> int:
    """Number of events written, also to rotated files."""
    found = 0
    for log in directory.glob("audit.log*"):
        with suppress(FileNotFoundError):  # it is being rotated
            found += log.read_bytes().count(b"\n")
    return found


def has_open(process: psutil.Process, file: tuple[int, int]) -> bool:
    """True if a process has a descriptor of a file."""
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        status = entry.stat()
        if (status.st_dev, status.st_ino) == file:
            return True
    return False


def signals(process: psutil.Process, field: str) -> set[int]:
    """Numbers of the signals in a mask of /proc/PID/status."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    [mask] = re.findall(rf"^{field}:\t([0-9a-f]+)$", text, re.MULTILINE)
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_end_of_input(tmp_path: Path, generation: Generation, program: tuple[str, ...]) -> None:
    """All processes run under their titles, nothing stray stays open, and the end is seen."""
    config = plugin_config(tmp_path, workers=2)
    with start_as_auditd("-c", config, generation=generation, program=program) as started:
        started.give(eoe(1) + event(7))
        wait_until(lambda: events(tmp_path), "an event is in the log", 20)
        wanted = all_children(2) | {"ingest"}
        wait_until(lambda: wanted == set(started.all_processes()), "all processes are there")
        processes = started.all_processes()
        ours = os.fstat(started.auditd.fileno())
        for name, process in processes.items():
            assert not has_open(process, started.stray), name
            assert not has_open(process, (ours.st_dev, ours.st_ino)), name
        # Only ingest has the other end, so that auditd sees when it is gone.
        stdin = (Path(f"/proc/{processes['ingest'].pid}/fd/0")).readlink()
        holders = [
            name
            for name, process in processes.items()
            for entry in Path(f"/proc/{process.pid}/fd").iterdir()
            if entry.readlink() == stdin
        ]
        assert holders == ["ingest"]
        # Ingest has a title only with an environment: it lies behind the arguments in memory.
        assert processes["ingest"].cmdline()[0].rstrip() == "laurel-mp: ingest"
        assert processes["ingest"].environ().keys() <= {"PATH"}
        assert processes["ingest"].cwd() == "/"
        assert started.end_of_input() == 0

    assert events(tmp_path) == 1


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_signals(tmp_path: Path, generation: Generation, workers: int) -> None:
    """SIGHUP, SIGUSR1 and SIGUSR2 do not end it, nothing is blocked, and SIGTERM is heeded."""
    config = plugin_config(tmp_path, workers=workers, more="stop-timeout = 0.5")
    with start_as_auditd("-c", config, generation=generation) as started:
        started.give(eoe(1) + event(7))
        wait_until(lambda: events(tmp_path) == 1, "it runs", 20)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            started.process.send_signal(number)
        for process in started.all_processes().values():
            blocked = signals(process, "SigBlk")
            assert not blocked & {signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1}
        started.give(event(8))
        wait_until(lambda: events(tmp_path) >= 2, "it continues", 20)
        started.process.send_signal(signal.SIGTERM)
        started.give(event(9))
        assert started.process.wait(30) == 0

    assert events(tmp_path) == 3


def received(listener: socket.socket) -> list[str]:
    """Messages that came to syslog until now, as `<priority> text`."""
    found: list[str] = []
    listener.setblocking(False)
    while True:
        try:
            text = listener.recv(10_000).decode()
        except BlockingIOError:
            return found
        found.append(re.sub(r"laurel-mp\[\d+\]: ", " ", text))


@pytest.mark.usefixtures("requires_root")
@pytest.mark.parametrize("generation", GENERATIONS)
def test_syslog(tmp_path: Path, devices: Path, generation: Generation) -> None:
    """Start, end and malformed lines are in syslog; S13: of many such lines there are a few."""
    config = plugin_config(tmp_path, workers=2)
    with (
        syslog(devices) as listener,
        start_as_auditd("-c", config, generation=generation, devices=devices) as started,
    ):
        started.give(b"bad \x1b\n" * 1000 + eoe(6) + event(7))
        started.auditd.close()
        messages: list[str] = []
        while started.process.poll() is None:
            messages += received(listener)  # as a syslog does: it takes a few at once only
        assert started.process.returncode == 0
        messages += received(listener)

    assert messages[0] == f"<30> started version {__version__}"
    assert messages.pop(1).endswith("/state: does not exist yet")
    assert messages[1:11] == [
        f"<28> malformed line at byte {6 * number}: 'bad \\x1b'" for number in range(10)
    ]
    assert messages[11] == "<28> 990 more malformed lines"
    assert messages[12].startswith("<30> stopped: 1004 lines, 1 events, ")
    assert len(messages) == 13


def outcome(devices: Path, *arguments: object) -> tuple[int, list[str]]:
    """Exit status and messages in syslog of a start that does not succeed."""
    with syslog(devices) as listener, start_as_auditd(*arguments, devices=devices) as started:
        status = started.process.wait(30)
        return status, received(listener)


@pytest.mark.usefixtures("requires_root")
def test_wrong_arguments(devices: Path) -> None:
    """Wrong usage is one line in syslog, and status 2."""
    status, messages = outcome(devices, "--nonsense")

    assert (status, messages) == (2, ["<27> wrong usage: unrecognized arguments: --nonsense"])


@pytest.mark.usefixtures("requires_root")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1\n", "colour: unknown key"),
        ("= 1\n", "not valid TOML: Invalid statement (at line 1, column 1)"),
        ('user = "nobody-here"\n', "user: no such user: 'nobody-here'"),
        ('directory = "/none/such"\n', "directory: /none/such: No such file or directory"),
        ('directory = "/tmp"\n', "directory: /tmp: group or others can write it (mode 1777)"),
    ],
)
def test_broken_configuration(tmp_path: Path, devices: Path, text: str, message: str) -> None:
    """A configuration that cannot be used is one line in syslog, and status 2."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    status, messages = outcome(devices, "-c", path)

    assert status == 2
    [line] = messages
    assert line in (f"<27> {message}", f"<27> {path}: {message}")


@pytest.mark.usefixtures("requires_root")
def test_failure(tmp_path: Path, devices: Path) -> None:
    """A start that fails for another reason is one line in syslog, and status 1."""
    (tmp_path / "audit.log").mkdir()
    status, messages = outcome(devices, "-c", plugin_config(tmp_path, workers=0))

    assert status == 1
    assert messages[-1].startswith(f"<27> {tmp_path}/audit.log: cannot be written: ")
    assert len(messages) == 3


@pytest.mark.usefixtures("requires_root")
def test_fault(tmp_path: Path, devices: Path) -> None:
    """A broken installation is one line in syslog, not a traceback without a reader."""
    script = tmp_path / "laurel-mp"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.modules['zmq'] = None\n"
        "from laurel_mp.cli.main import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    with (
        syslog(devices) as listener,
        start_as_auditd(program=(str(script),), devices=devices) as started,
    ):
        assert started.process.wait(30) == 1
        [message] = received(listener)

    assert message.startswith("<26> internal error: ModuleNotFoundError: ")

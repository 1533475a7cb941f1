"""Plugin mode with lines about real processes: what it says about them, while it runs."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.commands import started
from tests.support.conversion import Event, by_id, parse
from tests.support.requirements import cgroups
from tests.support.stream import Stream
from tests.support.waiting import wait_until

FOREVER = ("sleep", "1000")


def now() -> Stream:
    """A stream of this moment: processes that run are older than its events."""
    return Stream(seconds=int(time.time()))


class Program:
    """A process that a test has started, as audit records show it."""

    def __init__(self, pid: int, ppid: int) -> None:
        self.pid = pid
        self.ppid = ppid
        self.exe = str(Path(f"/proc/{pid}/exe").readlink())
        self.comm = Path(f"/proc/{pid}/comm").read_text().rstrip("\n")

    def opens(self, stream: Stream, uid: int = 0) -> str:
        """It opens a file; the event's id."""
        return stream.open(self.pid, self.ppid, self.exe, comm=self.comm, uid=uid)

    def executes(self, stream: Stream, *argv: str, key: str | None = None, uid: int = 0) -> str:
        """It is what was executed; the event's id."""
        status = Path(self.exe).stat()
        device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
        words = argv or FOREVER
        return stream.execute(
            self.pid,
            self.ppid,
            self.exe,
            *words,
            comm=self.comm,
            inode=status.st_ino,
            dev=device,
            key=key,
            uid=uid,
        )

    def described(self) -> dict[str, Any]:
        """Members of the process in events of others, without its id."""
        return {"comm": self.comm, "exe": self.exe, "ppid": self.ppid}

    def start_time(self) -> str:
        """Expected START_TIME, from the same file by other means."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        boot = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.MULTILINE)
        assert boot
        millis = int(fields[19]) * 1000 // os.sysconf("SC_CLK_TCK")
        return f"{int(boot[1]) + millis // 1000}.{millis % 1000:03}"

    def enter(self, group: Path) -> None:
        """It goes into a control group."""
        (group / "cgroup.procs").write_text(str(self.pid))
        shown = Path(f"/proc/{self.pid}/cgroup").read_text().splitlines()
        assert any(group.name in line for line in shown if line.startswith("0::"))


@contextmanager
def running(
    *words: str | Path, environment: dict[str, str] | None = None
) -> Iterator[tuple[Program, "subprocess.Popen[bytes]"]]:
    """A child of this process; without `words` one that sleeps."""
    process = subprocess.Popen(
        words or FOREVER, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        yield Program(process.pid, os.getpid()), process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


@contextmanager
def asleep(environment: dict[str, str] | None = None) -> Iterator[Program]:
    """A child of this process that sleeps."""
    with running(environment=environment) as (program, _):
        yield program


@contextmanager
def line_of_descent(length: int, top: str | Path = "sh") -> Iterator[list[Program]]:
    """A child of this process, a child of that, and so on: shells; the last one sleeps.

    The first one is `top`, which must be a shell, too.
    """
    script = "sleep 1000 & wait"
    for _ in range(length - 2):
        script = f"sh -c {shlex.quote(script)} & wait"
    with line_of_command(top, "-c", script, length=length) as line:
        yield line


@contextmanager
def line_of_command(*words: str | Path, length: int) -> Iterator[list[Program]]:
    """The processes that a command makes, each the only child of the one before it."""
    process = subprocess.Popen(words, start_new_session=True)
    try:
        wait_until(lambda: len(_line(process.pid)) == length, f"there are {length} processes")
        pids = _line(process.pid)
        yield [Program(*pair) for pair in zip(pids, [os.getpid(), *pids], strict=False)]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _line(pid: int) -> list[int]:
    """The process, its only child, and so on to one that sleeps; empty without such a one."""
    line = [psutil.Process(pid)]
    while children := line[-1].children():
        line += children[:1]
    return [process.pid for process in line] if line[-1].name() == "sleep" else []


def gone() -> int:
    """The id of a process that was there."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def copied(name: str, directory: Path, new_name: str) -> Path:
    """A program of this machine under a path of its own."""
    found = shutil.which(name)
    assert found
    return Path(shutil.copy(Path(found).resolve(), directory / new_name))


class Plugin:
    """A plugin that runs, and what it has written."""

    def __init__(self, directory: Path, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.log = directory / "audit.log"
        self._given = 0

    def events(self) -> dict[str, Event]:
        """All events that are there, by ID."""
        text = self.log.read_bytes() if self.log.exists() else b""
        return by_id([parse(line) for line in text.split(b"\n")[:-1]])

    def give(self, stream: Stream) -> None:
        """The lines that have come to the stream since the last call, all at once."""
        assert self.process.stdin
        lines = stream.lines[self._given :]
        self._given = len(stream.lines)
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()

    def tell(self, stream: Stream, id_: str) -> Event:
        """Gives it what is new in the stream; the event `id_` as soon as that is there."""
        self.give(stream)
        wait_until(lambda: id_ in self.events(), f"event {id_} is in the log", 20)
        return self.events()[id_]

    def ask(self, stream: Stream) -> None:
        """Returns when all of the stream so far has gone through."""
        self.tell(stream, stream.user("USER_CMD", 1, "op=asked res=success"))

    def restart(self) -> None:
        """From here on another stream is told."""
        self._given = 0


@contextmanager
def plugin(directory: Path, config: str = "", workers: int = 0) -> Iterator[Plugin]:
    """A plugin with this configuration; when the block begins it has looked at this host."""
    path = directory / "config.toml"
    path.write_text(
        f'directory = "{directory}"\n{config}\n'
        f'[loss]\nrecords = "never"\n[pipeline]\nworkers = {workers}\n'
    )
    path.chmod(0o600)
    with started("-c", path, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        found = Plugin(directory, process)
        first = Stream(seconds=1, serial=0)
        found.ask(first)
        found.restart()
        yield found
    assert process.returncode == 0


def local_node() -> str:
    """The name of this host, as auditd has it with `name_format = HOSTNAME`."""
    return os.uname().nodename


@contextmanager
def cgroup(name: str) -> Iterator[Path]:
    """A control group of this name; what is in it must have ended when the block does."""
    parent = Path(tempfile.mkdtemp(prefix="laurel-mp-", dir=cgroups()))
    group = parent / name
    try:
        group.mkdir()
        yield group
    finally:
        for directory in (group, parent):
            wait_until(lambda directory=directory: _removed(directory), "it is empty")  # type: ignore[misc]


def _removed(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a process is still on its way out
    return True

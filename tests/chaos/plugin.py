"""The program as auditd starts it, seen from outside: its processes, its log, its memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tests.support.commands import COMMAND
from tests.support.waiting import wait_until

TITLE = "laurel-mp: "

INGEST = "ingest"
"""The process that auditd starts: the one without a title."""


class Plugin:
    """A program that runs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, sockets: Path) -> None:
        self.process = process
        self._log = log
        self.sockets = sockets
        """Directory for its sockets."""
        self._ingest = psutil.Process(process.pid)

    def log(self) -> str:
        """Its messages so far."""
        return self._log.read_text(errors="backslashreplace")

    def processes(self) -> dict[str, list[psutil.Process]]:
        """All processes by role: the title without numbers."""
        found: dict[str, list[psutil.Process]] = {}
        with contextlib.suppress(psutil.NoSuchProcess):
            found[INGEST] = [self._ingest]
            for child in self._ingest.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    title = " ".join(child.cmdline()).rstrip("\0 ")
                    if title.startswith(TITLE):
                        role = title.removeprefix(TITLE).rstrip("0123456789/ ")
                        found.setdefault(role, []).append(child)
        return found

    def memory(self) -> int:
        """Bytes that all processes hold together; what they share counts once."""
        total = 0
        for processes in self.processes().values():
            for process in processes:
                with contextlib.suppress(OSError, IndexError):
                    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
                    total += int(rollup.partition("\nPss:")[2].split()[0]) << 10
        return total

    def endpoints(self) -> set[Path]:
        """The directories of the sockets between its processes."""
        return {
            Path(name).parent
            for connection in self._ingest.net_connections("unix")
            if (name := str(connection.laddr)) and not name.endswith("/status.sock")
        }

    def check(self) -> None:
        """Fails if it has ended."""
        status = self.process.poll()
        if status is not None:
            raise AssertionError(f"the plugin has ended with status {status}")

    def children(self) -> list[psutil.Process]:
        """All processes but the first one."""
        return [each for role, of in self.processes().items() if role != INGEST for each in of]

    def ended(self, children: list[psutil.Process]) -> None:
        """Fails unless it has ended well, and left no socket and none of `children`."""
        status = self.process.poll()
        assert status == 0, "it does not end" if status is None else f"it ended with {status}"
        gone(children)
        assert not list(self.sockets.iterdir()), "sockets are left"
        assert "Traceback" not in self.log(), "the plugin said why it failed in Python's words"

    def kill(self) -> None:
        """Ends all of it at once, also what is stopped."""
        for processes in self.processes().values():
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait()


@contextlib.contextmanager
def started(
    config: Path, stdin: socket.socket, command: Sequence[str | Path] = COMMAND
) -> Iterator[Plugin]:
    """Runs the program on one end of a socket; behind the block, nothing of it is left.

    If the block fails, the error says what the program had to say.
    """
    log = config.parent / "messages.log"
    sockets = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*map(str, command), "-c", str(config)],
            stdin=stdin.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | {"TMPDIR": str(sockets)},
            start_new_session=True,  # ^C is for the test
        )
    plugin = Plugin(process, log, sockets)
    try:
        yield plugin
    except BaseException as error:
        error.add_note(f"its messages:\n{_tail(plugin.log())}")
        raise
    finally:
        plugin.kill()
        shutil.rmtree(sockets)


@contextlib.contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket as auditd makes it for a plugin: its own end, and the plugin's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def gone(processes: list[psutil.Process]) -> None:
    """Returns when they have all ended."""
    wait_until(lambda: not any(map(_lives, processes)), "all processes have ended")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _tail(text: str, lines: int = 60) -> str:
    return "\n".join(text.splitlines()[-lines:])


def send(process: psutil.Process, number: signal.Signals) -> None:
    """Sends a signal to a process that may have ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)

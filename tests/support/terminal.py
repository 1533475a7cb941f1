"""A terminal with a program in it, and what it shows."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyte

from tests.support.commands import COMMAND


class Terminal:
    """A screen of some size, with the keyboard of the program that runs in it."""

    def __init__(self, pid: int, fd: int, columns: int, lines: int) -> None:
        self.pid = pid
        self.fd = fd
        self.status: int | None = None
        """Status of the program by waitpid(2), once it has ended."""
        self.raw = b""
        """All that was ever written to it."""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """The screen's lines at full width."""
        return list(self._screen.display)

    @property
    def text(self) -> str:
        """The same as one text, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self.lines)

    @property
    def settings(self) -> list[Any]:
        """Its settings, by termios(3)."""
        return termios.tcgetattr(self.fd)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.fd, keys)

    def resize(self, columns: int, lines: int) -> None:
        """Give it another size; the program is told."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds: float = 0.05) -> None:
        """Take in what comes."""
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:  # no process has it open any more
                data = b""
            self.raw += data
            self._stream.feed(data)

    def shows(self, condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        """Wait until it shows something."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}\n{self.text}"
            self.read()

    def end(self, seconds: float = 20.0) -> int:
        """Wait until the program has ended; give its exit status, negative for a signal."""
        deadline = time.monotonic() + seconds
        while self.status is None:
            assert time.monotonic() < deadline, f"timed out\n{self.text}"
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        self.read()
        return self.status


@contextmanager
def terminal(*arguments: object, columns: int = 80, lines: int = 24) -> Iterator[Terminal]:
    """Run the program in a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ours)
            os.login_tty(theirs)
            environment = os.environ | {"TERM": "xterm"}
            os.execve(COMMAND[0], [*COMMAND, *map(str, arguments)], environment)
        finally:
            os._exit(127)
    # It is kept open, as by a shell: so its settings can be looked at in the end.
    found = Terminal(pid, ours, columns, lines)
    try:
        yield found
    finally:
        if found.status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(ours)
        os.close(theirs)

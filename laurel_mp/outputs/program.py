"""`| program arguments`: a program that reads lines from its standard input."""

from __future__ import annotations

import logging
import os
import select
import shlex
import shutil
import signal
import time
from collections.abc import Sequence
from typing import NamedTuple

from laurel_mp.config import kinds
from laurel_mp.errors import OutputError
from laurel_mp.outputs.channel import PIECE, Channel
from laurel_mp.outputs.driver import Driver, Promise
from laurel_mp.outputs.fifo import unread
from laurel_mp.outputs.stall_policy import Backoff, StallPolicy, Watched
from laurel_mp.outputs.target import Target
from laurel_mp.system.rate_limited_log import RateLimitedLog

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""The program's whole environment."""

FAREWELL = 5.0
"""Seconds that the program has to end after its input was closed."""

SOUND = 5.0
"""Seconds after which a program that ends is started again at once."""

log = logging.getLogger(__name__)


class _Child(NamedTuple):
    pid: int
    pidfd: int
    """Readable when the child has ended."""
    pipe: int
    """Our end of the pipe, for writing."""
    pipe_end: int
    """The program's end. It is open here, too: it shows how much a dead program had read."""
    started: float


class Program(Channel):
    """A child process that is restarted whenever it ends."""

    slow = "the program reads slowly"

    def __init__(self, words: list[str], policy: StallPolicy, backoff: Backoff) -> None:
        super().__init__(policy)
        self._words = words
        self._backoff = backoff
        self._child: _Child | None = None
        self._why = ""
        self._error_log = RateLimitedLog(log)

    @classmethod
    def open(cls, command: str, policy: StallPolicy, backoff: Backoff | None = None) -> Program:
        """Starts the program; raises OutputError if that fails.

        The command is split into words as a shell would do it, but no shell runs.
        """
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise OutputError(f"| {command}: not a command: {error}") from error
        found = shutil.which(words[0], path=ENVIRONMENT["PATH"]) if words else None
        if found is None:
            raise OutputError(f"| {command}: no such program")
        program = cls([found, *words[1:]], policy, backoff or Backoff())
        try:
            program._start()
        except OSError as error:
            raise OutputError(f"| {command}: cannot be started: {error.strerror}") from error
        return program

    def tick(self) -> None:
        """Restarts the program if it has ended."""
        if self._is_gone():
            self._disconnect()
        if self._child is None and not self._backoff.remaining:
            self._try_to_start()

    def _connect(self) -> None:
        while self._child is None:
            if remaining := self._backoff.remaining:
                self._policy.hold(remaining, self._why)
            else:
                self._try_to_start()

    def _try_to_start(self) -> None:
        try:
            self._start()
        except OSError as error:
            self._why = f"cannot start the program: {error.strerror}"
            self._backoff.failed()

    def _start(self) -> None:
        """Starts the program with signals and descriptors as a shell would do it."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(writing, False)
            pid = os.posix_spawn(
                self._words[0],
                self._words,
                ENVIRONMENT,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reading, 0),
                    *((os.POSIX_SPAWN_CLOSE, fd) for fd in _stray_descriptors()),
                ],
                setpgroup=0,  # a signal for our group is ours to handle
                setsigmask=(),
                setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
            )
        except BaseException:
            os.close(reading)
            os.close(writing)
            raise
        pidfd = os.pidfd_open(pid)
        self._child = _Child(pid, pidfd, writing, reading, time.monotonic())

    def _disconnect(self) -> None:
        """Reaps the program that has ended."""
        assert self._child is not None
        child, self._child = self._child, None
        os.close(child.pipe)
        os.close(child.pipe_end)
        os.close(child.pidfd)
        _, status = os.waitpid(child.pid, 0)
        self._why = f"the program ended ({_status(os.waitstatus_to_exitcode(status))})"
        if time.monotonic() - child.started >= SOUND:
            self._backoff.reset()
        self._backoff.failed()
        self._error_log.warning("%s: %s: restarting it", self.name, self._why)

    def _is_gone(self) -> bool:
        return self._child is not None and _is_readable(self._child.pidfd, 0.0)

    def _read(self, sent: int, read: int) -> int:  # noqa: ARG002
        assert self._child is not None
        return sent - unread(self._child.pipe_end)

    def _send(self, text: memoryview, start: int) -> int:
        assert self._child is not None
        return os.write(self._child.pipe, text[start : start + PIECE])

    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        assert self._child is not None
        ended = (self._child.pidfd, select.POLLIN)
        return [ended, (self._child.pipe, select.POLLOUT)] if to_send else [ended]

    def close(self) -> None:
        """Closes the program's input, and gives it a few seconds to end."""
        if self._child is None:
            return
        child, self._child = self._child, None
        os.close(child.pipe)
        os.close(child.pipe_end)
        if _is_readable(child.pidfd, FAREWELL):
            os.waitpid(child.pid, 0)
        else:
            log.warning("%s: the program is still running: leaving it alone", self.name)
        os.close(child.pidfd)


def _is_readable(fd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _status(code: int) -> str:
    return f"status {code}" if code >= 0 else signal.Signals(-code).name


def _stray_descriptors() -> list[int]:
    """Returns descriptors that a program would inherit by accident."""
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        fd = int(name)
        try:
            if fd > 2 and os.get_inheritable(fd):
                found.append(fd)
        except OSError:  # the one that listed them
            continue
    return found


class ProgramDriver(Driver):
    """A program that reads its standard input."""

    promises = (
        Promise(
            "`| program arguments`",
            "it is read",
            "a new program begins with the first line that was not read whole",
        ),
    )

    def problem(self, address: str) -> str:
        """See Driver."""
        return kinds.path_problem(address) if address.strip() else "the program is missing"

    def open(self, address: str, target: Target, policy: StallPolicy) -> Program:  # noqa: ARG002
        """See Driver."""
        return Program.open(address.strip(), policy)

    def program(self, address: str) -> str:
        """See Driver."""
        words = address.split()
        return words[0] if words and words[0].startswith("/") else ""


DRIVER = ProgramDriver()

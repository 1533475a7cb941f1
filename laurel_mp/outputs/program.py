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

from laurel_mp.errors import OutputError
from laurel_mp.outputs.channel import Channel
from laurel_mp.outputs.patience import Backoff, StallPolicy, Watched
from laurel_mp.outputs.pipes import unread
from laurel_mp.system.rate_limited_log import RateLimitedLog

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""All that the program gets to know of ours."""

FAREWELL = 5.0
"""Seconds that the program has to end when there is nothing more to read."""

SOUND = 5.0
"""Seconds after which a program that ends is started again at once."""

log = logging.getLogger(__name__)


class _Child(NamedTuple):
    pid: int
    pidfd: int
    """Readable when the child has ended."""
    pipe: int
    """Where we write to."""
    pipe_end: int
    """Where it reads from. It is open here, too: this says how much a dead program has read."""
    started: float


class Program(Channel):
    """A child process that is started anew whenever it ends."""

    slow = "the program reads slowly"

    def __init__(self, words: list[str], patience: StallPolicy, backoff: Backoff) -> None:
        super().__init__(patience)
        self._words = words
        self._backoff = backoff
        self._child: _Child | None = None
        self._why = ""
        self._error_log = RateLimitedLog(log)

    @classmethod
    def open(cls, command: str, patience: StallPolicy, backoff: Backoff | None = None) -> Program:
        """Starts the program; raises OutputError if there is none, or it cannot be started.

        The command is split into words as a shell would, but no shell is asked.
        """
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise OutputError(f"| {command}: not a command: {error}") from error
        found = shutil.which(words[0], path=ENVIRONMENT["PATH"]) if words else None
        if found is None:
            raise OutputError(f"| {command}: no such program")
        program = cls([found, *words[1:]], patience, backoff or Backoff())
        try:
            program._start()
        except OSError as error:
            raise OutputError(f"| {command}: cannot be started: {error.strerror}") from error
        return program

    def tick(self) -> None:
        """Starts the program again if it has ended."""
        if self._is_gone():
            self._disconnect()
        if self._child is None and not self._backoff.remaining:
            self._try_to_start()

    def _connect(self) -> None:
        while self._child is None:
            if remaining := self._backoff.remaining:
                self._patience.hold(remaining, self._why)
            else:
                self._try_to_start()

    def _try_to_start(self) -> None:
        try:
            self._start()
        except OSError as error:
            self._why = f"the program cannot be started: {error.strerror}"
            self._backoff.failed()

    def _start(self) -> None:
        """Starts the program with signals and descriptors as a shell would."""
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
        self._why = f"the program has ended ({_status(os.waitstatus_to_exitcode(status))})"
        if time.monotonic() - child.started >= SOUND:
            self._backoff.reset()
        self._backoff.failed()
        self._error_log.warning("%s: %s, and is started again", self.name, self._why)

    def _is_gone(self) -> bool:
        return self._child is not None and _is_readable(self._child.pidfd, 0.0)

    def _read(self, sent: int, read: int) -> int:  # noqa: ARG002
        assert self._child is not None
        return sent - unread(self._child.pipe_end)

    def _send(self, data: memoryview) -> int:
        assert self._child is not None
        return os.write(self._child.pipe, data)

    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        assert self._child is not None
        ended = (self._child.pidfd, select.POLLIN)
        return [ended, (self._child.pipe, select.POLLOUT)] if to_send else [ended]

    def close(self) -> None:
        """Ends the program's input, and waits for it a few seconds."""
        if self._child is None:
            return
        child, self._child = self._child, None
        os.close(child.pipe)
        os.close(child.pipe_end)
        if _is_readable(child.pidfd, FAREWELL):
            os.waitpid(child.pid, 0)
        else:
            log.warning("%s: the program has not ended yet, and is left alone", self.name)
        os.close(child.pidfd)


def _is_readable(fd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _status(code: int) -> str:
    return f"status {code}" if code >= 0 else signal.Signals(-code).name


def _stray_descriptors() -> list[int]:
    """Descriptors that a program would inherit by accident."""
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        fd = int(name)
        try:
            if fd > 2 and os.get_inheritable(fd):
                found.append(fd)
        except OSError:  # the one that listed them
            continue
    return found

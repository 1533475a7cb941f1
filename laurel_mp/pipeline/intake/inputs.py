"""Where audit records come from: standard input, or a socket that auditd listens on.

An input belongs to the reading thread, which lends it to the main thread: see Reader. `stop` and
`interrupt` are for anybody.
"""

from __future__ import annotations

import logging
import os
import select
import socket
from typing import Protocol

from laurel_mp.system.rate_limited_log import RateLimitedLog

READ_SIZE = 1 << 18

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds between attempts to connect: twice as many after each failure."""

STDIN = 0

log = logging.getLogger(__name__)


class Input(Protocol):
    """A stream of audit records."""

    name: str
    """What it is called in messages."""

    def fileno(self) -> int:
        """Readable when `receive` would return something; -1 while only `wait` can help."""
        ...

    def wait(self) -> bool:
        """Returns when it is time for `receive`; False if the input was interrupted."""
        ...

    def receive(self) -> bytes | None:
        """What is there; nothing at the end, and None if it was a false alarm. Raises OSError.

        Does not wait if `wait` has returned, or what `fileno` says is readable.
        """
        ...

    def read(self) -> bytes:
        """What comes next, for those who have the input for themselves."""
        while self.wait():
            data = self.receive()
            if data is not None:
                return data
        return b""

    def stop(self) -> None:
        """Has the input end where it has no end of its own: what is there is still read."""
        ...

    def interrupt(self) -> None:
        """Ends the input at once. What is there is not read."""
        ...

    def close(self) -> None:
        """Gives up what the input holds, when nobody reads it any more."""
        ...


class Doorbell:
    """Waits for a descriptor, or until somebody rings. Any thread or signal handler may."""

    def __init__(self) -> None:
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._event, select.POLLIN)
        self._fd: int | None = None
        """What is watched besides."""

    def ring(self) -> None:
        """Ends a wait that is under way, or else the next one."""
        if self._event >= 0:  # a signal may come when it is closed already
            os.eventfd_write(self._event, 1)

    def wait(self, fd: int | None, seconds: float | None = None) -> bool:
        """Whether `fd` is readable, has ended or is broken; False after a ring, or in time."""
        if fd != self._fd:
            self._poll = select.poll()
            self._poll.register(self._event, select.POLLIN)
            if fd is not None:
                self._poll.register(fd, select.POLLIN)
            self._fd = fd
        ready = [found for found, _ in self._poll.poll(None if seconds is None else seconds * 1000)]
        if self._event in ready:
            os.eventfd_read(self._event)
        return fd in ready

    def close(self) -> None:
        """Gives up the descriptor; ringing does nothing any more."""
        event, self._event = self._event, -1
        if event >= 0:
            os.close(event)


class DescriptorInput(Input):
    """A descriptor, read up to the end of file.

    It stays open, and as it is, blocking or not: others may share it.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.name = name
        self._fd = fd
        self._bell = Doorbell()
        self._interrupted = False
        self._buffer = memoryview(bytearray(READ_SIZE))
        """A buffer for each read would come from the system, and go back to it, each time."""

    def fileno(self) -> int:
        """See Input."""
        return self._fd

    def wait(self) -> bool:
        """See Input."""
        while not self._interrupted:
            if self._bell.wait(self._fd):
                return True
        return False

    def receive(self) -> bytes | None:
        """See Input."""
        try:
            size = os.readv(self._fd, [self._buffer])
        except BlockingIOError:
            return None  # somebody who shares it was faster
        return bytes(self._buffer[:size])

    def stop(self) -> None:
        """Changes nothing: whoever writes says when it is the end."""

    def interrupt(self) -> None:
        """See Input."""
        self._interrupted = True
        self._bell.ring()

    def close(self) -> None:
        """See Input."""
        self._bell.close()


class SocketInput(Input):
    """A Unix socket that others listen on, as auditd's af_unix plugin does.

    Connects again whenever the connection ends, until it is told to stop. A line feed ends a line
    that a connection left unfinished.
    """

    def __init__(self, path: str) -> None:
        self.name = f"unix:{path}"
        self._path = path
        self._bell = Doorbell()
        self._socket: socket.socket | None = None
        self._stopping = False
        self._interrupted = False
        self._within_line = False
        self._pause = 0.0
        self._error_log = RateLimitedLog(log)
        self._in_trouble = False

    def fileno(self) -> int:
        """See Input."""
        return -1 if self._socket is None else self._socket.fileno()

    def wait(self) -> bool:
        """See Input."""
        while not self._interrupted:
            if self._stopping:
                return True
            if self._socket is None:
                self._connect()
            elif self._bell.wait(self._socket.fileno()):
                return True
        return False

    def receive(self) -> bytes | None:
        """See Input; raises nothing."""
        if self._socket is None:
            return b"" if self._stopping else None
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return self._disconnect() if self._stopping else None
        except OSError as error:
            return self._disconnect(error.strerror or str(error))
        if not data:
            return self._disconnect("the other side has closed it")
        self._within_line = not data.endswith(b"\n")
        self._pause = 0.0
        return data

    def stop(self) -> None:
        """See Input."""
        self._stopping = True
        self._bell.ring()

    def interrupt(self) -> None:
        """See Input."""
        self._interrupted = True
        self._bell.ring()

    def close(self) -> None:
        """See Input."""
        if self._socket is not None:
            self._socket.close()
        self._bell.close()

    def _disconnect(self, reason: str | None = None) -> bytes | None:
        """Ends the connection; returns what its last line lacks, or None."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if reason is not None:
            self._say(logging.WARNING, f"connection lost: {reason}")
        lacking = b"\n" if self._within_line else None
        self._within_line = False
        return lacking

    def _connect(self) -> None:
        """Makes one attempt, not before it is time for it."""
        if self._pause:
            self._bell.wait(None, self._pause)
            if self._stopping or self._interrupted:
                return
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)  # connecting to one with a full backlog would wait
        try:
            connection.connect(self._path)
        except OSError as error:
            connection.close()
            self._say(logging.WARNING, f"cannot connect: {error.strerror or error}")
            return
        self._socket = connection
        if self._in_trouble:
            self._in_trouble = False
            log.info("%s: connected", self.name)

    def _say(self, level: int, what: str) -> None:
        if self._error_log.log(level, "%s: %s; trying again", self.name, what):
            self._in_trouble = True


def open_input(name: str) -> Input:
    """The input that the setting `input` names: `stdin` or `unix:/path`."""
    if name.startswith("unix:"):
        return SocketInput(name.removeprefix("unix:"))
    return DescriptorInput(STDIN, "standard input")

"""Inputs of the plugin: standard input, or a socket that auditd listens on.

An input belongs to the reading thread, which lends it to the main thread: see Reader. Any thread
and any signal handler may call `stop` and `interrupt`.
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
"""Seconds between attempts to connect; they double after each failure."""

STDIN = 0

log = logging.getLogger(__name__)


class Input(Protocol):
    """A stream of audit records."""

    name: str
    """Name for log messages."""

    def fileno(self) -> int:
        """Returns a descriptor, readable when `receive` has something; -1 if none is open."""
        ...

    def wait(self) -> bool:
        """Waits until `receive` has something; returns False if the input was interrupted."""
        ...

    def receive(self) -> bytes | None:
        """Returns what can be read: empty at the end, None if there is nothing. Raises OSError.

        Does not block if `wait` has returned, or the descriptor of `fileno` is readable.
        """
        ...

    def read(self) -> bytes:
        """Waits for input and returns it; empty at the end. For a caller without a reader."""
        while self.wait():
            data = self.receive()
            if data is not None:
                return data
        return b""

    def stop(self) -> None:
        """Ends a socket behind what was sent so far; standard input ends at its end of file."""
        ...

    def interrupt(self) -> None:
        """Ends the input at once, without reading the rest."""
        ...

    def close(self) -> None:
        """Closes descriptors; call it when no thread reads any more."""
        ...


class Doorbell:
    """Waits for a descriptor or for `ring`, which any thread or signal handler may call."""

    def __init__(self) -> None:
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._event, select.POLLIN)
        self._fd: int | None = None
        """The other descriptor in `_poll`."""

    def ring(self) -> None:
        """Ends the current `wait`, or else the next one."""
        if self._event >= 0:  # a signal may arrive after `close`
            os.eventfd_write(self._event, 1)

    def wait(self, fd: int | None, seconds: float | None = None) -> bool:
        """Returns True if `fd` is readable, at its end or broken; False otherwise."""
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
        """Closes the descriptor; `ring` does nothing then."""
        event, self._event = self._event, -1
        if event >= 0:
            os.close(event)


class DescriptorInput(Input):
    """A descriptor, which is read up to its end of file.

    It stays open and keeps its flags, as other processes may share it.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.name = name
        self._fd = fd
        self._bell = Doorbell()
        self._interrupted = False
        self._buffer = memoryview(bytearray(READ_SIZE))
        """Serves all reads: malloc(3) would map and unmap a new one of this size each time."""

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
            return None  # another process that shares it has read it
        return bytes(self._buffer[:size])

    def stop(self) -> None:
        """Does nothing: the writer ends the input."""

    def interrupt(self) -> None:
        """See Input."""
        self._interrupted = True
        self._bell.ring()

    def close(self) -> None:
        """See Input."""
        self._bell.close()


class SocketInput(Input):
    """A connection to a Unix socket, such as that of auditd's af_unix plugin.

    Connects again whenever the connection ends, until `stop`. If a connection ends within a line, a
    line feed is added.
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
        self._is_failure_logged = False

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
        """See Input; does not raise."""
        if self._socket is None:
            return b"" if self._stopping else None
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return self._disconnect() if self._stopping else None
        except OSError as error:
            return self._disconnect(error.strerror or str(error))
        if not data:
            return self._disconnect("the other side closed it")
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
        """Ends the connection; returns the line feed that its last line lacks, or None."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if reason is not None:
            self._log_failure(f"connection lost: {reason}")
        lacking = b"\n" if self._within_line else None
        self._within_line = False
        return lacking

    def _connect(self) -> None:
        """Makes one attempt to connect, after a pause if the last one failed."""
        if self._pause:
            self._bell.wait(None, self._pause)
            if self._stopping or self._interrupted:
                return
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)  # connect(2) blocks while the backlog of the socket is full
        try:
            connection.connect(self._path)
        except OSError as error:
            connection.close()
            self._log_failure(f"cannot connect: {error.strerror or error}")
            return
        self._socket = connection
        if self._is_failure_logged:
            self._is_failure_logged = False
            log.info("%s: connected", self.name)

    def _log_failure(self, what: str) -> None:
        if self._error_log.warning("%s: %s; trying again", self.name, what):
            self._is_failure_logged = True


def open_input(name: str) -> Input:
    """Returns the input for the setting `input`: `stdin` or `unix:/path`."""
    if name.startswith("unix:"):
        return SocketInput(name.removeprefix("unix:"))
    return DescriptorInput(STDIN, "standard input")

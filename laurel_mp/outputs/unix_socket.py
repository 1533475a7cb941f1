"""`unix:/path`: a server that reads lines from a stream socket."""

from __future__ import annotations

import array
import fcntl
import select
import socket
import termios
import time
from collections.abc import Sequence

from laurel_mp.config import kinds
from laurel_mp.outputs.channel import PIECE, Channel
from laurel_mp.outputs.driver import Driver, Promise
from laurel_mp.outputs.stall_policy import Backoff, StallPolicy, Watched
from laurel_mp.outputs.target import Target

SOUND = 5.0
"""Seconds after which a connection that ends is opened again at once."""


class UnixSocket(Channel):
    """A connection that is opened again whenever it ends.

    Nothing is sent twice after a server that has read everything before it closes: the kernel
    reports ECONNRESET only if something was unread (unix(7), af_unix.c).
    """

    slow = "the server reads slowly"

    def __init__(self, path: str, policy: StallPolicy, backoff: Backoff | None = None) -> None:
        super().__init__(policy)
        self._path = path
        self._backoff = backoff or Backoff()
        self._socket: socket.socket | None = None
        self._is_reset = False
        self._since = 0.0
        self._why = ""

    def tick(self) -> None:
        """Closes a connection that has ended."""
        if self._is_gone():
            self._disconnect()

    def _connect(self) -> None:
        while self._socket is None:
            if remaining := self._backoff.remaining:
                self._policy.hold(remaining, self._why)
                continue
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                connection.connect(self._path)
            except OSError as error:
                connection.close()
                self._why = f"cannot connect: {error.strerror}"
                self._backoff.failed()
            else:
                self._socket = connection
                self._is_reset = False
                self._since = time.monotonic()

    def _disconnect(self) -> None:
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        self._why = "the server closed the connection"
        if time.monotonic() - self._since >= SOUND:
            self._backoff.reset()
        self._backoff.failed()

    def _is_gone(self) -> bool:
        if self._socket is None:
            return False
        poll = select.poll()
        poll.register(self._socket, 0)
        return bool(poll.poll(0))

    def _read(self, sent: int, read: int) -> int:
        """Returns `sent` or `read`: the kernel tells that something is unread, but not what."""
        unread = self._unread()
        # In this order: bytes that the server leaves unread when it goes are no longer counted,
        # but from then on the kernel reports a reset.
        if self._is_gone():
            unread = self._unread()
            if self._is_reset or self._error():
                self._is_reset = True
                return read
        return read if unread else sent

    def _unread(self) -> int:
        """Returns the amount of unread data in a unit of the kernel's own; 0 if all is read."""
        assert self._socket is not None
        size = array.array("i", [0])
        fcntl.ioctl(self._socket, termios.TIOCOUTQ, size)  # SIOCOUTQ has the same number
        return size[0]

    def _error(self) -> int:
        assert self._socket is not None
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _send(self, text: memoryview, start: int) -> int:
        assert self._socket is not None
        try:
            return self._socket.send(text[start : start + PIECE], socket.MSG_NOSIGNAL)
        except ConnectionResetError:
            self._is_reset = True  # the kernel reports it only once
            raise

    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        assert self._socket is not None
        return [(self._socket.fileno(), select.POLLOUT if to_send else 0)]

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class UnixSocketDriver(Driver):
    """A stream socket of a server on this host."""

    promises = (
        Promise(
            "`unix:/path`",
            "it is read",
            "a new connection begins with a whole line; lines that the server may not have read "
            "come again",
        ),
    )

    def problem(self, address: str) -> str:
        """See Driver."""
        return kinds.socket_problem(address)

    def open(self, address: str, target: Target, policy: StallPolicy) -> UnixSocket:  # noqa: ARG002
        """See Driver."""
        return UnixSocket(address, policy)

    def socket(self, address: str) -> str:
        """See Driver."""
        return address


DRIVER = UnixSocketDriver()

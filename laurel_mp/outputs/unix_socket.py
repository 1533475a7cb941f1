"""`unix:/path`: a server that takes lines on a stream socket."""

from __future__ import annotations

import array
import fcntl
import select
import socket
import termios
import time
from collections.abc import Sequence

from laurel_mp.outputs.channel import Channel
from laurel_mp.outputs.patience import Backoff, StallPolicy, Watched

SOUND = 5.0
"""Seconds after which a connection that ends is made again at once."""


class UnixSocket(Channel):
    """A connection that is made anew whenever it ends.

    A server that ends in an orderly way, with all read that was sent, leaves nothing to be sent
    again: the kernel says so by closing without ECONNRESET (unix(7), af_unix.c).
    """

    slow = "the server reads slowly"

    def __init__(self, path: str, patience: StallPolicy, backoff: Backoff | None = None) -> None:
        super().__init__(patience)
        self._path = path
        self._backoff = backoff or Backoff()
        self._socket: socket.socket | None = None
        self._is_reset = False
        self._since = 0.0
        self._why = ""

    def tick(self) -> None:
        """Lets go of a connection that has ended."""
        if self._is_gone():
            self._disconnect()

    def _connect(self) -> None:
        while self._socket is None:
            if remaining := self._backoff.remaining:
                self._patience.hold(remaining, self._why)
                continue
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                connection.connect(self._path)
            except OSError as error:
                connection.close()
                self._why = f"cannot be reached: {error.strerror}"
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
        self._why = "the server has closed the connection"
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
        """All or nothing: the kernel says whether something is unread, but not what."""
        unread = self._unread()
        # In this order: what the server leaves unread when it goes is no longer counted, but is
        # then said to be lost.
        if self._is_gone():
            unread = self._unread()
            if self._is_reset or self._error():
                self._is_reset = True
                return read
        return read if unread else sent

    def _unread(self) -> int:
        """What is on its way, in a measure of the kernel's own; 0 for nothing."""
        assert self._socket is not None
        size = array.array("i", [0])
        fcntl.ioctl(self._socket, termios.TIOCOUTQ, size)  # SIOCOUTQ has the same number
        return size[0]

    def _error(self) -> int:
        assert self._socket is not None
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _send(self, data: memoryview) -> int:
        assert self._socket is not None
        try:
            return self._socket.send(data, socket.MSG_NOSIGNAL)
        except ConnectionResetError:
            self._is_reset = True  # it is said only once
            raise

    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        assert self._socket is not None
        return [(self._socket.fileno(), select.POLLOUT if to_send else 0)]

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

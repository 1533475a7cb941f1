"""A named pipe. Both its ends are open here, so that unread bytes can be counted."""

from __future__ import annotations

import array
import fcntl
import os
import select
import stat
import termios
from collections.abc import Sequence

from laurel_mp.errors import OutputError
from laurel_mp.outputs.channel import PIECE, Channel
from laurel_mp.outputs.stall_policy import StallPolicy, Watched


def unread(fd: int) -> int:
    """Returns the number of bytes in a pipe."""
    size = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, size)
    return size[0]


class Fifo(Channel):
    """A named pipe whose readers may come and go."""

    slow = "no reader, or a slow one"

    def __init__(self, fd: int, policy: StallPolicy) -> None:
        super().__init__(policy)
        self._fd = fd

    @classmethod
    def open(cls, path: str, policy: StallPolicy) -> Fifo:
        """Opens the named pipe at `path`; raises OutputError."""
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(path, flags)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.close(fd)
            raise OutputError(f"{path}: cannot be written: no longer a named pipe")
        return cls(fd, policy)

    def resume(self, text: bytes = b"", torn: int = 0) -> int:  # noqa: ARG002
        """Ends the line that may be torn: the reader has seen part of it, or all."""
        if text:
            self.write(b"\n")
        return 0

    def _connect(self) -> None:
        """Does nothing: the pipe is always there."""

    def _disconnect(self) -> None:
        """Does nothing: the pipe never goes."""

    def _is_gone(self) -> bool:
        return False

    def _read(self, sent: int, read: int) -> int:
        # Bytes that an earlier writer left in the pipe are read first.
        return max(sent - unread(self._fd), read)

    def _send(self, text: memoryview, start: int) -> int:
        return os.write(self._fd, text[start : start + PIECE])

    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        return [(self._fd, select.POLLOUT)] if to_send else []

    def close(self) -> None:
        """Closes the pipe."""
        os.close(self._fd)

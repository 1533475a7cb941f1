"""Pipes of which both ends are ours: how much is unread can be asked for."""

from __future__ import annotations

import array
import fcntl
import os
import select
import stat
import termios
from collections.abc import Sequence

from laurel_mp.errors import OutputError
from laurel_mp.outputs.channel import Channel
from laurel_mp.outputs.patience import StallPolicy, Watched


def unread(fd: int) -> int:
    """Bytes in a pipe."""
    size = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, size)
    return size[0]


class Fifo(Channel):
    """A named pipe. As we could read it ourselves, those who do may come and go."""

    slow = "nobody reads it, or slowly"

    def __init__(self, fd: int, patience: StallPolicy) -> None:
        super().__init__(patience)
        self._fd = fd

    @classmethod
    def open(cls, path: str, patience: StallPolicy) -> Fifo:
        """Opens the named pipe at `path`; raises OutputError."""
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(path, flags)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.close(fd)
            raise OutputError(f"{path}: cannot be written: it is no named pipe any more")
        return cls(fd, patience)

    def resume(self, text: bytes = b"", torn: int = 0) -> int:  # noqa: ARG002
        """Ends the line that may be torn: whoever reads has seen part of it, or all."""
        if text:
            self.write(b"\n")
        return 0

    def _connect(self) -> None:
        """Always is."""

    def _disconnect(self) -> None:
        """Never is."""

    def _is_gone(self) -> bool:
        return False

    def _read(self, sent: int, read: int) -> int:
        # What a former writer has left there is read first.
        return max(sent - unread(self._fd), read)

    def _send(self, data: memoryview) -> int:
        return os.write(self._fd, data)

    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        return [(self._fd, select.POLLOUT)] if to_send else []

    def close(self) -> None:
        """Closes the pipe."""
        os.close(self._fd)

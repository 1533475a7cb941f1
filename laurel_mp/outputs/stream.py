"""A descriptor that lines are written to: standard output, a device, a file of the user's."""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress

from laurel_mp.errors import OutputError
from laurel_mp.outputs.base import Mark, Output, Wrote, ignore
from laurel_mp.outputs.patience import LOOK, StallPolicy
from laurel_mp.outputs.tail import continues, is_torn


class Stream(Output):
    """Whole lines to a file descriptor. A write that is cut short is completed."""

    def __init__(self, fd: int, patience: StallPolicy, path: str = "") -> None:
        self._fd = fd
        self._path = path
        self._patience = patience
        self.name = patience.name
        # The descriptor may be shared with others, so it stays as it is, blocking. A write of so
        # little does not block where poll(2) says that there is room.
        self._is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        self._most = select.PIPE_BUF if patience.patient and not self._is_file else None

    @classmethod
    def create(cls, path: str, patience: StallPolicy, *, anew: bool = True) -> Stream:
        """Begins a file anew, or goes on in it; one that is created is its owner's alone."""
        how = os.O_TRUNC if anew else os.O_APPEND
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
        return cls(fd, patience, path)

    @classmethod
    def device(cls, path: str, patience: StallPolicy) -> Stream:
        """Opens a character device."""
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
        try:
            return cls(os.open(path, flags), patience)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error

    def write(self, text: bytes, wrote: Wrote = ignore, start: int = 0) -> None:
        """Writes all of it; raises OutputError, `closed`, if nobody reads any more."""
        view = memoryview(text)
        self._patience.start()
        while start < len(text):
            if self._most is not None and not self._is_writable():
                continue
            try:
                size = os.write(self._fd, view[start:][: self._most])
            except BlockingIOError:  # somebody who shares the descriptor has made it so
                self._is_writable()
            except BrokenPipeError as error:
                raise OutputError(f"{self.name}: nobody reads any more", closed=True) from error
            except OSError as error:
                self._patience.fail(error)
            else:
                start += size
                self._patience.moved()
                wrote(start)

    def _is_writable(self) -> bool:
        return self._patience.wait(LOOK, "its reader is slow", [(self._fd, select.POLLOUT)])

    def resume(self, text: bytes = b"", torn: int = 0) -> int:
        """Goes on in the middle of a line if a file ends so; else ends what may be half a line."""
        if not text:
            return 0
        may_be_torn = True
        if self._is_file:
            # It may be open for writing only; and it may be one that we are not allowed to read.
            with suppress(OSError):
                fd = os.open(f"/proc/self/fd/{self._fd}", os.O_RDONLY | os.O_CLOEXEC)
                try:
                    if continues(fd, text, torn):
                        return torn
                    may_be_torn = is_torn(fd)
                finally:
                    os.close(fd)
        if may_be_torn:
            self.write(b"\n")
        return 0

    def mark(self) -> Mark | None:
        """Where a regular file ends."""
        if not self._is_file:
            return None
        status = os.fstat(self._fd)
        return Mark(self._path, status.st_dev, status.st_ino, status.st_size)

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self._fd)

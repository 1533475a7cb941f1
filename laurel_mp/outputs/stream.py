"""A plain descriptor: standard output, a device, a file that a command writes."""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress

from laurel_mp.errors import OutputError
from laurel_mp.outputs.driver import Driver, Promise
from laurel_mp.outputs.open_sink import Mark, OpenSink, Wrote, ignore
from laurel_mp.outputs.stall_policy import LOOK, StallPolicy
from laurel_mp.outputs.tail import continues, is_torn
from laurel_mp.outputs.target import Target

STDOUT = 1


class Stream(OpenSink):
    """Writes whole lines to a file descriptor. A short write is completed."""

    def __init__(self, fd: int, policy: StallPolicy, path: str = "") -> None:
        self._fd = fd
        self._path = path
        self._policy = policy
        self.name = policy.name
        # The descriptor may be shared with other programs, so it stays blocking. A write of up
        # to PIPE_BUF does not block where poll(2) says that there is room.
        self._is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        self._most = select.PIPE_BUF if policy.waits and not self._is_file else None

    @classmethod
    def create(cls, path: str, policy: StallPolicy, *, truncate: bool = True) -> Stream:
        """Opens a file, empty or (`truncate=False`) at its end; a created one has mode 0600."""
        how = os.O_TRUNC if truncate else os.O_APPEND
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
        return cls(fd, policy, path)

    @classmethod
    def device(cls, path: str, policy: StallPolicy) -> Stream:
        """Opens a character device."""
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
        try:
            return cls(os.open(path, flags), policy)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error

    def write(self, text: bytes, wrote: Wrote = ignore, start: int = 0) -> None:
        """Writes all of it; raises OutputError, `closed`, if the reader has gone."""
        view = memoryview(text)
        self._policy.start()
        while start < len(text):
            if self._most is not None and not self._is_writable():
                continue
            try:
                size = os.write(self._fd, view[start:][: self._most])
            except BlockingIOError:  # another owner of the descriptor has made it so
                self._is_writable()
            except BrokenPipeError as error:
                raise OutputError(f"{self.name}: its reader has gone", closed=True) from error
            except OSError as error:
                self._policy.fail(error)
            else:
                start += size
                self._policy.moved()
                wrote(start)

    def _is_writable(self) -> bool:
        return self._policy.wait(LOOK, "its reader is slow", [(self._fd, select.POLLOUT)])

    def resume(self, text: bytes = b"", torn: int = 0) -> int:
        """Continues a torn line if a file ends with it; otherwise ends what may be half a line."""
        if not text:
            return 0
        may_be_torn = True
        if self._is_file:
            # The descriptor may be for writing only; and we may have no right to read the file.
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
        """Returns the end of a regular file."""
        if not self._is_file:
            return None
        status = os.fstat(self._fd)
        return Mark(self._path, status.st_dev, status.st_ino, status.st_size)

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self._fd)


class StdoutDriver(Driver):
    """Standard output."""

    promises = (
        Promise(
            "`-`",
            "the kernel has it",
            "exact if it is a file; otherwise whole lines, the last ones perhaps twice, after a "
            "line feed",
        ),
    )

    def problem(self, address: str) -> str:  # noqa: ARG002 - there is none
        """See Driver."""
        return ""

    def open(self, address: str, target: Target, policy: StallPolicy) -> Stream:  # noqa: ARG002
        """See Driver."""
        return Stream(STDOUT, policy, "/dev/stdout")

    def title(self, setting: str) -> str:  # noqa: ARG002
        """See Driver."""
        return "standard output"


DRIVER = StdoutDriver()

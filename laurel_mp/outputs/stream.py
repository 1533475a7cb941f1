"""A file descriptor that lines are written to."""

from __future__ import annotations

import os
import select
from pathlib import Path

from laurel_mp.errors import OutputError


class Output:
    """Whole lines to a file descriptor that blocks. A write that is cut short is completed."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self.name = name
        """What to call it in messages."""

    @classmethod
    def create(cls, path: Path) -> Output:
        """Overwrites or creates a file that others can not read."""
        return cls._open(path, os.O_TRUNC)

    @classmethod
    def append(cls, path: Path) -> Output:
        """Goes on at the end of a file, or creates one that others can not read."""
        return cls._open(path, os.O_APPEND)

    @classmethod
    def _open(cls, path: Path, how: int) -> Output:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
        except OSError as error:
            raise OutputError(f"{path}: can not be written: {error.strerror}") from error
        return cls(fd, str(path))

    def write(self, text: bytes) -> None:
        """Writes all of `text`; raises OutputError if it can not."""
        view = memoryview(text)
        try:
            while view:
                view = view[self._write(view) :]
        except BrokenPipeError as error:
            raise OutputError(f"{self.name}: nobody reads any more", closed=True) from error
        except OSError as error:
            raise OutputError(f"{self.name}: can not be written: {error.strerror}") from error

    def _write(self, view: memoryview) -> int:
        while True:
            try:
                return os.write(self._fd, view)
            except BlockingIOError:  # somebody who shares the descriptor has made it so
                select.select([], [self._fd], [])

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self._fd)

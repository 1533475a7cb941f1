"""The directory of the spool, mode 0700, made when it is needed."""

from __future__ import annotations

import errno
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

CORRUPT = ".corrupt"

_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

log = logging.getLogger(__name__)


class SpoolDirectory:
    """Opens, removes and renames files by name; follows no symbolic link."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._fd: int | None = None

    def names(self) -> list[str]:
        """Returns the names of all files, sorted; none without a directory. Raises OSError."""
        try:
            return sorted(os.listdir(self._open(make=False)))  # noqa: PTH208 - by descriptor
        except FileNotFoundError:
            return []

    def create(self, name: str) -> int:
        """Creates a file, and the directory if it is missing. Raises OSError."""
        for is_last in (False, True):
            try:
                return os.open(
                    name, _FILE | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._open(make=True)
                )
            except FileNotFoundError:
                self.close()  # it was removed
                if is_last:
                    raise
        raise AssertionError("unreachable")

    def open(self, name: str) -> int:
        """Opens an existing file. Raises OSError."""
        return os.open(name, _FILE, dir_fd=self._open(make=False))

    def remove(self, name: str) -> None:
        """Removes a file if it exists. Raises OSError."""
        try:
            os.unlink(name, dir_fd=self._open(make=False))
        except FileNotFoundError:
            return

    def set_aside(self, name: str, why: object) -> None:
        """Renames a file so that it is ignored from now on, and logs why."""
        aside = name + CORRUPT
        try:
            fd = self._open(make=False)
            os.rename(name, aside, src_dir_fd=fd, dst_dir_fd=fd)
        except OSError as error:
            what = f"cannot be set aside: {error.strerror}"
        else:
            what = f"set aside as {aside!r}"
        log.error("spool %s: %r: %s; %s", self.path, name, why, what)

    def sync(self) -> None:
        """Flushes the directory to disk. Raises OSError."""
        os.fsync(self._open(make=False))

    def close(self) -> None:
        """Closes the directory."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self, *, make: bool) -> int:
        if self._fd is not None:
            return self._fd
        if make:
            with suppress(FileExistsError):  # it is checked below
                self.path.mkdir(0o700)
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        status = os.fstat(fd)
        if status.st_uid not in {0, os.geteuid()} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            os.close(fd)
            raise PermissionError(errno.EPERM, "others may write there", str(self.path))
        self._fd = fd
        return fd

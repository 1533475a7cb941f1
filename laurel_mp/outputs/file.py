"""A log file: private from its first byte, rotated by size, created again when it was moved."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from laurel_mp.errors import OutputError
from laurel_mp.outputs import acl
from laurel_mp.outputs.open_sink import Mark, OpenSink, Wrote, ignore
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.tail import continues, is_torn
from laurel_mp.outputs.target import Target
from laurel_mp.system.rate_limited_log import RateLimitedLog

ROTATE_AGAIN = 5.0
"""Seconds until a rotation that failed is tried again. Until then the file grows: stalling, or
losing records, would be worse."""

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

log = logging.getLogger(__name__)


class LogFile(OpenSink):
    """A regular file that lines are appended to.

    Its generations are PATH.1, the newest, to PATH.N. A new file is created under another name,
    with its readers set, and renamed into place. A writer killed at any moment leaves the rotated
    files whole; a gap that it leaves between generations is filled by the next rotation.
    """

    def __init__(self, target: Target, policy: StallPolicy) -> None:
        self.name = policy.name
        self._path = Path(target.name)
        self._target = target
        self._policy = policy
        self._fd = -1
        self._size = 0
        self._rotation_due = 0.0
        self._is_granted = True
        self._rotation_log = RateLimitedLog(log)
        self._sync_log = RateLimitedLog(log)

    def open(self) -> None:
        """Opens or creates the file; raises OutputError."""
        try:
            self._fd = self._open_path()
        except OSError as error:
            reason = error.strerror
            if error.errno == errno.ELOOP:
                reason = "is a symbolic link"
            raise OutputError(f"{self._path}: cannot be written: {reason}") from error

    # --- writing

    def write(self, text: bytes, wrote: Wrote = ignore, start: int = 0) -> None:
        """Appends lines, each of them whole in one file."""
        view = memoryview(text)
        self._policy.start()
        self._size = os.fstat(self._fd).st_size  # it may have been truncated
        while start < len(text):
            end = self._fitting(text, start)
            if end == start:
                self.rotate()
                wrote(start)
                continue
            try:
                size = os.write(self._fd, view[start:end])
            except OSError as error:
                self._policy.fail(error)
                # If the file was removed or moved meanwhile, a new one begins with a whole line.
                if self._follow():
                    start = _line_start(text, start)
                    wrote(start)
            else:
                start += size
                self._size += size
                self._policy.moved()
                wrote(start)

    def _fitting(self, text: bytes, start: int) -> int:
        """Returns the end of what goes into the present file; `start` if a rotation is due."""
        limit = self._target.size
        if not limit or time.monotonic() < self._rotation_due:
            return len(text)
        room = limit - self._size
        if len(text) - start <= room:
            return len(text)
        end = text.rfind(b"\n", start, start + max(room, 0)) + 1
        if end > start:
            return end
        if self._size and _line_start(text, start) == start:
            return start
        # A line longer than the limit has a file of its own; the rest of a line belongs to it.
        return text.find(b"\n", start) + 1 or len(text)

    def resume(self, text: bytes = b"", torn: int = 0) -> int:
        """Continues a torn line if it is ours; ends any other one."""
        if continues(self._fd, text, torn):
            return torn
        if is_torn(self._fd):
            self._write_line_feed()
        return 0

    def _write_line_feed(self) -> None:
        while True:
            try:
                os.write(self._fd, b"\n")
            except OSError as error:
                self._policy.fail(error)
            else:
                return

    def mark(self) -> Mark:
        """Returns the end of the file."""
        status = os.fstat(self._fd)
        return Mark(self.name, status.st_dev, status.st_ino, status.st_size)

    # --- rotation

    def rotate(self) -> None:
        """Begins a new file; if that fails, keeps the present one, and tries again later.

        Call it between two lines.
        """
        followed = self._follow()
        self._size = os.fstat(self._fd).st_size
        if followed or not self._size:
            return
        if self._target.fsync != "never":
            self._fsync()
        try:
            fd = self._make()
            try:
                self._rename()
            except OSError:
                os.close(fd)
                raise
        except OSError as error:
            self._rotation_due = time.monotonic() + ROTATE_AGAIN
            self._rotation_log.warning(
                "%s: cannot rotate, the file keeps growing: %s", self.name, error.strerror
            )
            return
        self._replace(fd)

    def _rename(self) -> None:
        """Renames the present file to PATH.1, and the new one to PATH."""
        most = self._target.generations
        if most:
            self._free_first(most)
            self._path.rename(self._generation(1))
        try:
            self._temporary.rename(self._path)
        except OSError:
            if most:
                with suppress(OSError):
                    self._generation(1).rename(self._path)
            raise

    def _free_first(self, most: int) -> None:
        """Moves generations up until the first is free; the last one is overwritten."""
        gap = 1
        while gap < most and os.path.lexists(self._generation(gap)):
            gap += 1
        for number in range(gap, 1, -1):
            self._generation(number - 1).rename(self._generation(number))

    def _generation(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    # --- files

    @property
    def _temporary(self) -> Path:
        return self._path.with_name(f".{self._path.name}.new")

    def _open_path(self) -> int:
        try:
            fd = os.open(self._path, _FLAGS)
        except FileNotFoundError:
            fd = self._make()
            self._temporary.rename(self._path)
            return fd
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "is not a regular file")
        self._grant(fd)
        return fd

    def _make(self) -> int:
        """Creates a file under the temporary name."""
        with suppress(FileNotFoundError):
            self._temporary.unlink()  # left by a writer that was killed
        fd = os.open(self._temporary, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        self._grant(fd)
        return fd

    def _grant(self, fd: int) -> None:
        if (problem := acl.grant(fd, self._target.readers)) and self._is_granted:
            self._is_granted = False
            log.warning("%s: %s", self.name, problem)

    def _follow(self) -> bool:
        """Switches to the file at the path if it is another one; returns True if it was."""
        ours = os.fstat(self._fd)
        with suppress(OSError):
            there = os.lstat(self._path)
            if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                return False
        try:
            fd = self._open_path()
        except OSError as error:
            self._rotation_log.warning(
                "%s: was moved, cannot create a new file: %s", self.name, error.strerror
            )
            return False
        if self._target.fsync != "never":
            self._fsync()
        self._replace(fd)
        self.resume()
        return True

    def _replace(self, fd: int) -> None:
        os.close(self._fd)
        self._fd = fd
        self._size = os.fstat(fd).st_size

    # --- upkeep

    def tick(self) -> None:
        """Notices that the file was moved or removed, as by logrotate(8)."""
        self._follow()

    def sync(self) -> None:
        """Flushes the file to the disk, if `fsync` is `checkpoint`."""
        if self._target.fsync == "checkpoint":
            self._fsync()

    def _fsync(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            self._sync_log.warning("%s: fsync failed: %s", self.name, error.strerror)

    def close(self) -> None:
        """Flushes the file to the disk, unless `fsync` is `never`, and closes it."""
        if self._target.fsync != "never":
            self._fsync()
        os.close(self._fd)


def _line_start(text: bytes, position: int) -> int:
    return text.rfind(b"\n", 0, position) + 1

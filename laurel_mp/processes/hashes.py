"""SHA-256 of executables, each file read once as long as it stays the same."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from laurel_mp.processes.procfs import LiveProcess, Procfs

_CHUNK = 1 << 18


class _File(NamedTuple):
    """What a file is remembered by.

    Inode numbers are used again and packages are unpacked with times of whole seconds, but nobody
    can set the time of change back.
    """

    device: int
    inode: int
    modified: int
    changed: int
    size: int


class HashStatistics(NamedTuple):
    """Hashes so far, and how many are remembered."""

    remembered: int
    found: int
    """Answers from memory."""
    hashed: int
    """Files read."""
    too_large: int
    """Answers that had to be left out."""
    evicted: int
    """Files forgotten, to make room for others."""


class ExecutableHashes:
    """Hashes what processes run; holds its caller up for no longer than `size_limit` bytes take.

    That is 15 ms for the default of 10 MB on a CPU with SHA instructions, a few times that without;
    and the disk's time, though what runs is mostly in memory.
    """

    def __init__(self, procfs: Procfs, size_limit: int, cache_entries: int) -> None:
        self._procfs = procfs
        self._size_limit = size_limit
        self.cache_entries = cache_entries
        self._cache: dict[_File, bytes | None] = {}
        """The file that was asked for last is last. None stands for one that cannot be read."""
        self._found = 0
        self._hashed = 0
        self._too_large = 0
        self._evicted = 0

    def sha256(self, pid: bytes, exe: bytes) -> bytes | None:
        """The hash of what a process runs, in hex, provided that it still is `exe`.

        `exe` is the name out of the audit record. None, too, if the file is too large.
        """
        live = self._procfs.open(pid)
        if live is None:
            return None
        with live:
            if live.exe() != exe:
                return None
            status = live.exe_status()
            if status is None or not stat.S_ISREG(status.st_mode):
                return None
            # No entry for files that are too large: their size is known before anything is read.
            if status.st_size > self._size_limit:
                self._too_large += 1
                return None
            digest = self._digest(live, _file(status))
            # The same name before and after: no exec in between, so it was that file.
            return digest if live.exe() == exe else None

    def statistics(self) -> HashStatistics:
        """Counts since the start."""
        return HashStatistics(
            len(self._cache), self._found, self._hashed, self._too_large, self._evicted
        )

    def _digest(self, live: LiveProcess, file: _File) -> bytes | None:
        # Looked up before it is opened: opening may be audited, and each open that we make for an
        # event would be an event again.
        if file in self._cache:
            self._found += 1
            digest = self._cache.pop(file)
        else:
            self._hashed += 1
            digest = _read_digest(live, file)
            if len(self._cache) >= self.cache_entries > 0:
                del self._cache[next(iter(self._cache))]
                self._evicted += 1
        if self.cache_entries:
            self._cache[file] = digest
        return digest


def _file(status: os.stat_result) -> _File:
    return _File(
        status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size
    )


def _read_digest(live: LiveProcess, file: _File) -> bytes | None:
    """The hash of a file, None if it cannot be read or is not that file any more."""
    fd = live.open_exe()
    if fd is None:
        return None
    try:
        import hashlib  # with OpenSSL, 3 MB: only if it is needed

        digest = hashlib.sha256()
        left = file.size
        while left and (chunk := os.read(fd, min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
        if _file(os.fstat(fd)) != file:
            return None
        return digest.hexdigest().encode("ascii")
    except OSError:
        return None
    finally:
        os.close(fd)

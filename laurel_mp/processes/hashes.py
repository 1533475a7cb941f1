"""Hashes executables with SHA-256; reads a file once as long as it does not change."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from laurel_mp.processes.procfs import LiveProcess, Procfs

_CHUNK = 1 << 18


class _File(NamedTuple):
    """Identity of a file's content.

    Inode numbers are used again, and packages are unpacked with times of whole seconds, but the
    time of change cannot be set back.
    """

    device: int
    inode: int
    modified: int
    changed: int
    size: int


class HashStatistics(NamedTuple):
    """Counts of hashes."""

    remembered: int
    """Cached hashes."""
    found: int
    """Answers from the cache."""
    hashed: int
    """Files read."""
    too_large: int
    """Files over the size limit."""
    evicted: int
    """Hashes evicted from the cache."""


class ExecutableHashes:
    """Hashes the executables of processes, up to `size_limit` bytes.

    The limit bounds the time that the caller waits: 15 ms for the default of 10 MB on a CPU with
    SHA instructions, a few times that without. The disk's time comes on top, but the file of a
    running program is mostly in memory.
    """

    def __init__(self, procfs: Procfs, size_limit: int, cache_entries: int) -> None:
        self._procfs = procfs
        self._size_limit = size_limit
        self.cache_entries = cache_entries
        self._cache: dict[_File, bytes | None] = {}
        """In the order of use. None is for a file that cannot be read."""
        self._found = 0
        self._hashed = 0
        self._too_large = 0
        self._evicted = 0

    def sha256(self, pid: bytes, exe: bytes) -> bytes | None:
        """Returns the hash of a process's executable in hex, if it still is `exe`.

        `exe` is the name from the audit record. Returns None also if the file is too large.
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
            # With the same name before and after there was no exec in between: it was that file.
            return digest if live.exe() == exe else None

    def statistics(self) -> HashStatistics:
        """Returns counts since the start."""
        return HashStatistics(
            len(self._cache), self._found, self._hashed, self._too_large, self._evicted
        )

    def _digest(self, live: LiveProcess, file: _File) -> bytes | None:
        # The cache comes first: opening may be audited, and then each open for an event would be
        # another event.
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
    """Returns the hash of a file; None if it cannot be read or has changed."""
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

"""The state of auditd's queue to its plugins, from the file that auditd writes on SIGCONT.

`auditctl --signal state` or kill(1) sends it; auditd never writes the file by itself. It belongs to
root with mode 0640 [auditd: src/auditd.c, write_auditd_state()].
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from laurel_mp.system import privileges

PATHS = (Path("/run/audit/auditd.state"), Path("/run/auditd.state"))
"""Since auditd 4.1.2, and before."""

MAX_BYTES = 16 << 10
"""auditd writes less than a kilobyte."""

_overflow = re.compile(rb"^plugin queue overflow detected = yes *$", re.MULTILINE).search


class AuditdState:
    """Reads the file when it has changed."""

    def __init__(self, paths: Sequence[Path] = PATHS) -> None:
        self._paths = paths
        self._seen: tuple[int, int] | None = None
        self._told: int | None = None
        """Inode of the file whose overflow was reported. auditd creates the file when it first
        writes it, and removes it when it ends."""

    def overflowed(self) -> bool:
        """Returns True if the file reports an overflow that was not reported before."""
        for path in self._paths:
            try:
                status = path.stat()
            except OSError:  # missing, or not permitted
                continue
            seen = status.st_ino, status.st_mtime_ns
            if seen == self._seen:
                return False
            self._seen = seen
            if status.st_ino == self._told or not _says_overflow(path):
                return False
            self._told = status.st_ino
            return True
        return False


def _says_overflow(path: Path) -> bool:
    try:
        with privileges.raised(privileges.Capability.DAC_READ_SEARCH):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    with os.fdopen(fd, "rb") as file:
        return _overflow(file.read(MAX_BYTES)) is not None

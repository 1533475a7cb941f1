"""What auditd says about its own queue, in the file that it writes when it gets SIGCONT.

`auditctl --signal state`, or kill(1), has it do so; nobody does it by itself. The file belongs to
root with mode 0640 [auditd: src/auditd.c, write_auditd_state()].
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from laurel_mp.system import privileges

PATHS = (Path("/run/audit/auditd.state"), Path("/run/auditd.state"))
"""Of auditd from 4.1.2 on, and before that."""

MAX_BYTES = 16 << 10
"""auditd writes less than a kilobyte."""

_overflow = re.compile(rb"^plugin queue overflow detected = yes *$", re.MULTILINE).search


class AuditdState:
    """Looks at the file, as often as it has changed."""

    def __init__(self, paths: Sequence[Path] = PATHS) -> None:
        self._paths = paths
        self._seen: tuple[int, int] | None = None
        self._told: int | None = None
        """The inode of the file of which an overflow was told: auditd makes one at its first time,
        and removes it at its end."""

    def overflowed(self) -> bool:
        """Whether the file says, for the first time, that the queue to the plugins was full."""
        for path in self._paths:
            try:
                status = path.stat()
            except OSError:  # there is none, or nobody may see
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

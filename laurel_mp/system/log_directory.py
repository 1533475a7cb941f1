"""The directory of the logs: its permissions, and a lock for one laurel-mp at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from pathlib import Path

from laurel_mp.config.trust import distrust, foreign_link
from laurel_mp.errors import ConfigError
from laurel_mp.system.privileges import User

LOCK = ".laurel-mp.lock"

log = logging.getLogger(__name__)


def prepare(path: Path, user: User | None) -> None:
    """Makes the directory if it is missing, with mode 0700, owned by `user`.

    An existing one keeps the administrator's mode and owner. Call it before privileges are
    dropped. Raises ConfigError if it cannot be made, or if other users can put files or links into
    it.
    """
    try:
        _refuse_foreign_link(path, user)
        try:
            path.mkdir(0o700)
        except FileExistsError:
            pass
        else:
            _give(path, user)
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"directory: {path}: {error.strerror}") from None
    _check_status(path, status, user)


def check(path: Path, user: User | None) -> None:
    """Raises ConfigError if `prepare` would, as far as that can be told without a change."""
    try:
        _refuse_foreign_link(path, user)
        if path.exists():
            status = path.stat()
        else:
            path.parent.stat()
            return  # `prepare` makes it
    except OSError as error:
        raise ConfigError(f"directory: {path}: {error.strerror}") from None
    _check_status(path, status, user)


def _refuse_foreign_link(path: Path, user: User | None) -> None:
    link = foreign_link(path, _owner(user))
    if link is not None:
        raise ConfigError(f"directory: {path}: {link} is a symbolic link of another user")


def _owner(user: User | None) -> int:
    return os.geteuid() if user is None else user.uid


def _check_status(path: Path, status: os.stat_result, user: User | None) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"directory: {path}: is not a directory")
    if problem := distrust(status, _owner(user)):
        raise ConfigError(f"directory: {path}: {problem}")


def _give(path: Path, user: User | None) -> None:
    if user is not None and os.geteuid() == 0:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


class DirectoryLock:
    """Locks a directory, so that one laurel-mp at a time writes there.

    auditd may start a plugin while its predecessor still writes [auditd: audisp/audispd.c]. Two at
    a time would lose or duplicate events at each rotation. So the second one reads its input and
    waits, without a limit: the first ends by its stop-timeout, unless a disk hangs that both need.

    Forked children share the lock, so that it is free when the last of them has ended: make it
    before the fork server. The file has mode 0600, as a process that can open it can hold the lock.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK
        self._fd: int | None = None
        self.held = False
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._fd = os.open(self._path, flags, 0o600)
        except OSError as error:
            # All outputs may be elsewhere; if not, opening them fails with a reason.
            log.warning("%s: cannot be locked: %s", directory, error.strerror)

    def try_hold(self) -> bool:
        """Tries to lock; does not wait. Returns True if it is held, or cannot be locked at all."""
        if not self.held:
            self.held = self._fd is None or self._lock(self._fd)
        return self.held

    def holder(self) -> str:
        """Returns the process that holds it, for a message."""
        try:
            pid = self._path.read_text("ascii", "replace")[:20].strip()
        except OSError:
            pid = ""
        return f"process {pid}" if pid.isdecimal() else "another process"

    def close(self) -> None:
        """Closes it; the lock is free when no child has it any more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _lock(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        return True

"""The runtime directory, which holds the sockets of a run.

Each run makes its own directory, and locks it for as long as one of its processes lives. The next
run of the same user removes directories without a lock.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from laurel_mp.config.trust import distrust
from laurel_mp.errors import PipelineError
from laurel_mp.system.privileges import User

SYSTEM = Path("/run/laurel-mp")

PREFIX = "laurel-mp-run-"

MAX_LENGTH = 80
"""Characters of its path: with a number and the name of an endpoint it must fit 107 (unix(7))."""

_RANDOM = 4  # bytes: eight digits

_ATTEMPTS = 100

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def prepare(user: User | None) -> None:
    """Makes the parent directory for runs of this user below /run, if this process is root.

    Call it before privileges are dropped. If it fails, runs use another parent.
    """
    if os.geteuid() != 0:
        return
    uid, gid = (0, 0) if user is None else (user.uid, user.gid)
    place = SYSTEM / str(uid)
    with suppress(OSError):
        _make(SYSTEM, 0o755)
        if not distrust(SYSTEM.lstat(), 0) and _make(place, 0o700):
            os.chown(place, uid, gid, follow_symlinks=False)


def _make(path: Path, mode: int) -> bool:
    """Makes a directory if it is missing; returns True if it was."""
    try:
        path.mkdir(mode)
    except FileExistsError:
        return False
    path.chmod(mode)  # regardless of the umask
    return True


class RuntimeDirectory:
    """The directory of this run, with mode 0700.

    It is below $TMPDIR, which auditd does not set, or /run/laurel-mp, or /tmp. Make it before the
    fork server: all children share its lock. Raises PipelineError if it can be made nowhere.
    """

    def __init__(self) -> None:
        self._generation = 0
        problems = []
        for parent in _parents():
            try:
                _remove_dead(parent)
                self.path, self._lock = _make_locked(parent)
            except OSError as error:
                problems.append(f"{parent}: {error.strerror}")
            else:
                return
        raise PipelineError(f"no directory for sockets can be made: {'; '.join(problems)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def fresh(self) -> Path:
        """Makes a new subdirectory, and removes the former one. Raises PipelineError."""
        shutil.rmtree(self.path / str(self._generation), ignore_errors=True)
        self._generation += 1
        path = self.path / str(self._generation)
        try:
            path.mkdir(0o700)
        except OSError as error:
            raise PipelineError(f"{path}: cannot be made: {error.strerror}") from error
        return path

    def close(self) -> None:
        """Removes the directory, and closes the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _parents() -> Iterator[Path]:
    """Yields parents that exist, are safe, and have short paths."""
    candidates = [SYSTEM / str(os.geteuid()), Path("/tmp")]  # noqa: S108 - see _make_locked
    if named := os.environ.get("TMPDIR"):
        candidates.insert(0, Path(named).absolute())
    for parent in candidates:
        try:
            status = parent.stat()
        except OSError:
            continue
        sticky = status.st_mode & stat.S_ISVTX
        if len(str(parent)) + len(PREFIX) + 2 * _RANDOM + 1 <= MAX_LENGTH and (
            sticky or not distrust(status, os.geteuid())
        ):
            yield parent


def _make_locked(parent: Path) -> tuple[Path, int]:
    """Returns a new directory and the descriptor that locks it."""
    for _ in range(_ATTEMPTS):
        path = parent / (PREFIX + os.urandom(_RANDOM).hex())
        try:
            path.mkdir(0o700)
        except FileExistsError:
            continue
        fd = os.open(path, _DIRECTORY)
        # Another run may have found it before it was locked, and removed it.
        if _try_lock(fd) and _is_at(path, fd):
            return path, fd
        os.close(fd)
    raise FileExistsError(0, "no name is free")


def _remove_dead(parent: Path) -> None:
    """Removes directories of killed runs of this user."""
    for path in parent.glob(PREFIX + "[0-9a-f]" * 2 * _RANDOM):
        try:
            fd = os.open(path, _DIRECTORY)
        except OSError:
            continue
        try:
            if os.fstat(fd).st_uid == os.geteuid() and _try_lock(fd):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(fd))
    except OSError:
        return False

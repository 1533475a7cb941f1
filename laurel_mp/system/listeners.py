"""Sockets that somebody may connect to, made so that nobody else can."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from laurel_mp.config.kinds import split_address
from laurel_mp.config.trust import distrust
from laurel_mp.errors import LaurelError

MAX_NAME = 107
"""Bytes of a socket's name (unix(7))."""

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class ListenError(LaurelError):
    """A socket cannot be made: seen in the log when its place is taken or not to be trusted."""


class UnixListener:
    """A listening socket with a path, which is there for as long as the socket is.

    What stands at the path is replaced if it is a socket of ours that nobody listens at any more.
    Raises ListenError.
    """

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _place(path) as (directory, near):
                _refuse_taken(path, near)
                # With this the socket in the file system has its mode from the first moment on.
                os.fchmod(self.socket.fileno(), mode)
                with suppress(FileNotFoundError):
                    os.unlink(path.name, dir_fd=directory)
                self.socket.bind(near)
                # But the umask has its say at bind(2).
                os.chmod(path.name, mode, dir_fd=directory)
                self._file = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
                self.socket.listen(1)
        except OSError as error:
            self.socket.close()
            raise ListenError(f"{path}: {error.strerror}") from None
        except ListenError:
            self.socket.close()
            raise

    def remove(self) -> None:
        """Takes the path away, unless somebody else has taken it meanwhile."""
        with suppress(OSError):
            found, ours = self._path.lstat(), self._file
            # The number of a file that is gone is given to the next one soon.
            if os.path.samestat(found, ours) and found.st_mtime_ns == ours.st_mtime_ns:
                self._path.unlink()


def listen_on_address(value: str) -> socket.socket:
    """A socket that listens at `127.0.0.1:port` or `[::1]:port`. Raises ListenError."""
    address, port = split_address(value)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address, port))
        found.listen(1)
    except OSError as error:
        found.close()
        raise ListenError(f"{value}: {error.strerror}") from None
    return found


def connect(path: Path, patience: float) -> socket.socket:
    """A connection to the socket at a path, however long that is. Raises OSError.

    `patience` is for this, and for each read, in seconds.
    """
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(patience)
    try:
        with _place(path) as (_, near):
            found.connect(near)
    except OSError:
        found.close()
        raise
    return found


@contextmanager
def _place(path: Path) -> Iterator[tuple[int, str]]:
    """The directory of a path, and a name of the path that fits what a socket's name may have.

    That is the path itself, if it is short enough: `ss -x` shows it.
    """
    directory = os.open(path.parent, _DIRECTORY)
    try:
        is_short = len(os.fsencode(path)) <= MAX_NAME
        yield directory, str(path) if is_short else f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _refuse_taken(path: Path, near: str) -> None:
    """Raises ListenError if what is at `path` is not ours to replace."""
    problem = distrust(path.parent.stat(), os.geteuid())
    if problem:
        raise ListenError(f"{path.parent}: {problem}")
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise ListenError(f"{path}: there is something else, which is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        found = probe.connect_ex(near)
    if found in (0, errno.EAGAIN, errno.EINPROGRESS):
        raise ListenError(f"{path}: another process listens there")

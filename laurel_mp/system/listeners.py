"""Listening sockets with restricted access."""

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
"""Longest path of a socket in bytes (unix(7))."""

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class ListenError(LaurelError):
    """A socket cannot be made: its address is in use, or its directory is not trusted."""


class UnixListener:
    """A listening Unix socket. Raises ListenError if it cannot be made.

    It replaces a socket at its path if no process listens there any more.
    """

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _short_name(path) as (directory, near):
                _refuse_taken(path, near)
                # Gives the socket in the file system its mode from its first moment on.
                os.fchmod(self.socket.fileno(), mode)
                with suppress(FileNotFoundError):
                    os.unlink(path.name, dir_fd=directory)
                self.socket.bind(near)
                # But bind(2) applies the umask.
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
        """Removes the path, unless it is another file by now."""
        with suppress(OSError):
            found, ours = self._path.lstat(), self._file
            # Inode numbers are reused soon, so the time is compared, too.
            if os.path.samestat(found, ours) and found.st_mtime_ns == ours.st_mtime_ns:
                self._path.unlink()


def listen_on_address(value: str) -> socket.socket:
    """Returns a socket that listens at `127.0.0.1:port` or `[::1]:port`. Raises ListenError."""
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


def connect(path: Path, timeout: float) -> socket.socket:
    """Returns a connection to the socket at a path of any length. Raises OSError.

    `timeout`, in seconds, limits the connection attempt and each read.
    """
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(timeout)
    try:
        with _short_name(path) as (_, near):
            found.connect(near)
    except OSError:
        found.close()
        raise
    return found


@contextmanager
def _short_name(path: Path) -> Iterator[tuple[int, str]]:
    """Yields a descriptor of the path's directory, and a name that is short enough for a socket.

    It is the path itself if that is short enough, as `ss -x` shows it.
    """
    directory = os.open(path.parent, _DIRECTORY)
    try:
        is_short = len(os.fsencode(path)) <= MAX_NAME
        yield directory, str(path) if is_short else f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _refuse_taken(path: Path, near: str) -> None:
    """Raises ListenError unless `path` is free or a socket without a listener."""
    problem = distrust(path.parent.stat(), os.geteuid())
    if problem:
        raise ListenError(f"{path.parent}: {problem}")
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise ListenError(f"{path}: is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        found = probe.connect_ex(near)
    if found in (0, errno.EAGAIN, errno.EINPROGRESS):
        raise ListenError(f"{path}: another process listens there")

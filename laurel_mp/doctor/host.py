"""Read-only access to a host: its files below a root directory, and external commands."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import NamedTuple

from laurel_mp.doctor import external_commands
from laurel_mp.doctor.external_commands import Done
from laurel_mp.errors import LaurelError

MOST = 1 << 20
"""Bytes read of a file. No file of interest is nearly as large."""

_MAX_LINKS = 40  # the kernel's limit, too [path_resolution(7)]


class UnknownError(LaurelError):
    """A fact cannot be found out; shown as a check that could not be made."""


class NotInstalledError(UnknownError):
    """A command is not installed."""


class Space(NamedTuple):
    """A file system."""

    device: int
    free: int
    """Bytes that others than root can still write."""
    inodes: int
    """Files that can still be made."""
    read_only: bool


@dataclass(frozen=True)
class Host:
    """A host to examine. File names are relative to its own root directory."""

    root: Path = Path("/")
    run: Callable[[Sequence[str]], Done] = external_commands.run
    root_uid: int = 0
    """User id that counts as root there."""
    unused_id: int = field(default_factory=lambda: SystemRandom().randrange(1 << 29, 1 << 30))
    """A user and group id without a name; random, since directory services cache misses."""
    measure: Callable[[Path], Space] | None = None
    """Measures a file system; None for statvfs(3)."""

    def path(self, name: str | Path) -> Path:
        """Returns the path of a file here; links are resolved within the host."""
        if self.root == Path("/"):
            return Path(name)
        return _below(self.root, str(name))

    def status(self, name: str | Path) -> os.stat_result | None:
        """Returns stat(2) of a file; None if there is none. Raises UnknownError."""
        try:
            return self.path(name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise UnknownError(f"{name}: {_reason(error)}") from None

    def read(self, name: str | Path, most: int = MOST, *, tail: bool = False) -> bytes | None:
        """Returns the beginning, or the end, of a regular file; None if there is none.

        Raises UnknownError.
        """
        try:
            # Opening a FIFO would otherwise wait for a writer.
            fd = os.open(self.path(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise UnknownError(f"{name}: {_reason(error)}") from None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise UnknownError(f"{name}: is not a regular file")
            with os.fdopen(fd, "rb", closefd=False) as file:
                if tail and status.st_size > most:
                    file.seek(-most, os.SEEK_END)
                return file.read(most)
        except OSError as error:
            raise UnknownError(f"{name}: {_reason(error)}") from None
        finally:
            os.close(fd)

    def text(self, name: str | Path, most: int = MOST, *, tail: bool = False) -> str | None:
        """Returns the same as text; invalid UTF-8 becomes replacement characters."""
        data = self.read(name, most, tail=tail)
        return None if data is None else data.decode("utf-8", "replace")

    def names(self, directory: str | Path) -> list[str]:
        """Returns the sorted names in a directory; none if it is missing. Raises UnknownError."""
        try:
            return sorted(entry.name for entry in os.scandir(self.path(directory)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, ValueError) as error:
            raise UnknownError(f"{directory}: {_reason(error)}") from None

    def space(self, name: str | Path) -> Space:
        """Returns the file system of a file that exists or will exist. Raises UnknownError."""
        path = Path(name)
        while self.status(path) is None and path != path.parent:
            path = path.parent
        try:
            return (self.measure or _measure)(self.path(path))
        except OSError as error:
            raise UnknownError(f"{name}: {_reason(error)}") from None

    def answer(self, *words: str) -> Done:
        """Returns the result of a command, whatever its status. Raises UnknownError if missing."""
        try:
            return self.run(words)
        except FileNotFoundError:
            raise NotInstalledError(f"{words[0]}: is not installed") from None
        except (OSError, ValueError) as error:
            raise UnknownError(f"{words[0]}: {_reason(error)}") from None

    def ask(self, *words: str) -> Done:
        """Returns the result of a command. Raises UnknownError if missing, failed or too slow."""
        done = self.answer(*words)
        if done.status != 0:
            raise UnknownError(f"{' '.join(words)}: {done.complaint}")
        return done


def _measure(path: Path) -> Space:
    found = os.statvfs(path)
    free = found.f_bavail * found.f_frsize
    # Some file systems, such as btrfs, have no fixed number of files, and say 0 of 0.
    inodes = found.f_favail if found.f_files else 1 << 62
    return Space(path.stat().st_dev, free, inodes, bool(found.f_flag & os.ST_RDONLY))


def _below(root: Path, name: str) -> Path:
    """Follow links as if `root` were the root. What is missing is found to be so later."""
    pending = [part for part in reversed(Path(name).parts) if part != "/"]
    here: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            del here[-1:]
            continue
        step = root.joinpath(*here, part)
        if links >= _MAX_LINKS or not step.is_symlink():
            here.append(part)
            continue
        links += 1
        target = step.readlink()
        if target.is_absolute():
            here = []
        pending += [each for each in reversed(target.parts) if each != "/"]
    return root.joinpath(*here)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

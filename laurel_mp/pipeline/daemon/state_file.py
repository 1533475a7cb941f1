"""The state file, from which the next run continues. There is always a complete one.

    magic 8 | version 4 | boot id 16 | wall clock 8 | monotonic clock 8 | size 8 | crc 4 | content

Numbers are little endian, the content is a msgpack map, the crc is that of all before and after
it. The meaning of the content is in run_state.py.
"""

from __future__ import annotations

import logging
import math
import os
import stat
import struct
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from laurel_mp.config import Config
from laurel_mp.system.boot_id import boot_id
from laurel_mp.system.rate_limited_log import RateLimitedLog

MAGIC = b"LMPSTATE"
VERSION = 1
FRAME = struct.Struct("<8sI16sddQ")
CRC = struct.Struct("<I")
START = FRAME.size + CRC.size
CORRUPT = ".corrupt"
LARGEST = 4 << 30
"""Bytes. No run writes a larger file, and a larger one would not fit in memory."""

log = logging.getLogger(__name__)


class BadStateError(Exception):
    """A state file is invalid; the text is for the log."""


class Loaded(NamedTuple):
    """A state that an earlier run has saved."""

    state: dict[str, Any]
    fresh: bool
    """True if this run continues from it. Otherwise only its unwritten output is due."""
    reason: str
    """Reason that it is not fresh; empty if it is."""
    age: float
    """Seconds since it was saved, by the wall clock; negative if that is in the future."""
    same_boot: bool
    """True if its times of the monotonic clock are valid."""
    monotonic: float
    """Monotonic clock when it was saved."""


class StateFile:
    """Saves and loads the state. Errors are logged, and never raised."""

    def __init__(self, path: Path, max_age: float, generations: int = 0) -> None:
        self.path = path.absolute()
        self._max_age = max_age
        self._generations = generations
        self._thread: threading.Thread | None = None
        self._errors = RateLimitedLog(log)

    @classmethod
    def of(cls, config: Config) -> StateFile | None:
        """Returns the configured state file, if there is one."""
        settings = config.state
        if not settings.file:
            return None
        path = Path(config.directory, settings.file)
        return cls(path, settings.max_age, settings.generations)

    def save(self, state: Mapping[str, Any]) -> bool:
        """Replaces the state and syncs it; returns False if that failed."""
        self.close()
        return self._write(pack(state))

    def save_soon(self, state: Mapping[str, Any]) -> bool:
        """Does the same in a thread; returns False while it still writes the former state."""
        if self._thread is not None and self._thread.is_alive():
            return False
        data = pack(state)
        self._thread = threading.Thread(target=self._write, args=(data,), name="state", daemon=True)
        self._thread.start()
        return True

    def remove(self) -> None:
        """Removes the file, so that an outdated state is not loaded again."""
        self.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self._errors.error("state file %s: cannot be removed: %s", self.path, error.strerror)

    def close(self) -> None:
        """Waits for the thread."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def load(self) -> Loaded | None:
        """Returns the last state; None if there is none that is valid."""
        try:
            data = self._read()
        except FileNotFoundError:
            log.info("state file %s: does not exist yet", self.path)
            return None
        except BadStateError as error:
            self._set_aside(error)
            return None
        except OSError as error:
            self._errors.error("state file %s: cannot be read: %s", self.path, error.strerror)
            return None
        try:
            loaded = unpack(data, self._max_age)
        except BadStateError as error:
            self._set_aside(error)
            return None
        if not loaded.fresh:
            log.warning("state file %s: %s", self.path, loaded.reason)
        return loaded

    def _read(self) -> bytes:
        """Returns the file; raises BadStateError or OSError."""
        if self.path.is_symlink():
            raise BadStateError("is a symbolic link")
        fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise BadStateError("is not a regular file")
            if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o022:
                raise BadStateError("may be written by others")
            if status.st_size > LARGEST:
                raise BadStateError("is too large")
            with open(fd, "rb", closefd=False) as file:
                return file.read(LARGEST)
        finally:
            os.close(fd)

    def _write(self, data: bytes) -> bool:
        try:
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._replace(directory, data)
            finally:
                os.close(directory)
        except OSError as error:
            self._errors.error("state file %s: cannot be written: %s", self.path, error.strerror)
            return False
        return True

    def _replace(self, directory: int, data: bytes) -> None:
        """Replaces the file; after an OSError the former one is still there."""
        new = f".{self.path.name}.new"
        with suppress(FileNotFoundError):  # of a run that was killed
            os.unlink(new, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(new, flags, 0o600, dir_fd=directory)
        try:
            with open(fd, "wb", buffering=0) as file:  # noqa: PTH123 - by descriptor
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(fd)
            self._keep_former(directory)
            os.rename(new, self.path.name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            with suppress(OSError):
                os.unlink(new, dir_fd=directory)
            raise
        os.fsync(directory)

    def _keep_former(self, directory: int) -> None:
        """Gives the former file a second name; the new file takes the first."""
        name = self.path.name
        for number in range(self._generations, 1, -1):
            with suppress(FileNotFoundError):
                os.rename(
                    f"{name}.{number - 1}",
                    f"{name}.{number}",
                    src_dir_fd=directory,
                    dst_dir_fd=directory,
                )
        if self._generations:
            with suppress(FileNotFoundError):
                os.unlink(f"{name}.1", dir_fd=directory)
            with suppress(FileNotFoundError):
                os.link(
                    name,
                    f"{name}.1",
                    src_dir_fd=directory,
                    dst_dir_fd=directory,
                    follow_symlinks=False,
                )

    def _set_aside(self, why: BadStateError) -> None:
        aside = self.path.with_name(self.path.name + CORRUPT)
        try:
            self.path.rename(aside)
        except OSError as error:
            what = f"cannot be set aside: {error.strerror}"
        else:
            what = f"set aside as {aside.name}"
        log.error("state file %s: ignored, %s; %s", self.path, why, what)


def pack(state: Mapping[str, Any]) -> bytes:
    """Returns the content of the file."""
    content: bytes = msgpack.packb(dict(state))
    frame = FRAME.pack(MAGIC, VERSION, boot_id(), time.time(), time.monotonic(), len(content))
    return frame + CRC.pack(zlib.crc32(content, zlib.crc32(frame))) + content


def unpack(data: bytes, max_age: float) -> Loaded:
    """Reads what `pack` returned. Raises BadStateError, and nothing else, for any other bytes."""
    if data[: len(MAGIC)] != MAGIC:
        raise BadStateError("is not a state file")
    if len(data) < START:
        raise BadStateError("damaged: its end is missing")
    frame, content = data[: FRAME.size], memoryview(data)[START:]
    _, version, boot, wall, monotonic, size = FRAME.unpack(frame)
    if version != VERSION:
        raise BadStateError(f"has version {version}, expected {VERSION}")
    if size != len(content):
        raise BadStateError("damaged: wrong size")
    if CRC.unpack_from(data, FRAME.size)[0] != zlib.crc32(content, zlib.crc32(frame)):
        raise BadStateError("damaged: wrong checksum")
    if not math.isfinite(monotonic):
        raise BadStateError("damaged: invalid time")
    state = _unpack_content(content)
    age = time.time() - wall
    same_boot = boot == boot_id()
    reason = "" if same_boot else "from another boot"
    if not 0 <= age <= max_age:  # also false for NaN
        reason = f"{age:.0f} s old" if age > 0 else "from the future"
    return Loaded(state, not reason, reason, age, same_boot, monotonic)


def _unpack_content(content: memoryview) -> dict[str, Any]:
    try:
        state = msgpack.unpackb(content, ext_hook=_refuse)
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise BadStateError("damaged: content is not msgpack") from error
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise BadStateError("damaged: content is not a map with text keys")
    return state


def _refuse(code: int, _data: bytes) -> None:
    raise ValueError(f"extension type {code}")

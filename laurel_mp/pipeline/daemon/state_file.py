"""The state file: what the next run goes on with, written so that there is always a whole one.

    magic 8 | version 4 | boot id 16 | wall clock 8 | monotonic clock 8 | size 8 | crc 4 | content

Numbers are little endian, the content is a msgpack map, the crc is that of all before and after
it. What the content means is for others to know.
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
"""Bytes; nobody writes larger ones, and reading them would need the memory."""

log = logging.getLogger(__name__)


class BadStateError(Exception):
    """What is wrong with a state file; the text is for the log."""


class Loaded(NamedTuple):
    """A state that an earlier run has saved."""

    state: dict[str, Any]
    fresh: bool
    """Whether this run goes on where that one was. If not, events in it must still be given out."""
    reason: str
    """Why it is not fresh, if so."""
    age: float
    """Seconds since it was saved, by the wall clock; negative if that is in the future."""
    same_boot: bool
    """Whether times of the monotonic clock in it mean something."""
    monotonic: float
    """What the monotonic clock showed when it was saved."""


class StateFile:
    """Saves and loads; what goes wrong is logged, and never raised."""

    def __init__(self, path: Path, max_age: float, generations: int = 0) -> None:
        self.path = path.absolute()
        self._max_age = max_age
        self._generations = generations
        self._thread: threading.Thread | None = None
        self._errors = RateLimitedLog(log)

    @classmethod
    def of(cls, config: Config) -> StateFile | None:
        """The state file that a configuration wants, below its `directory`, if any."""
        settings = config.state
        if not settings.file:
            return None
        path = Path(config.directory, settings.file)
        return cls(path, settings.max_age, settings.generations)

    def save(self, state: Mapping[str, Any]) -> bool:
        """Writes a state in place of the former one, up to the disk; whether that was done."""
        self.close()
        return self._write(pack(state))

    def save_soon(self, state: Mapping[str, Any]) -> bool:
        """Does the same in the background; does nothing and returns False if it is still at it."""
        if self._thread is not None and self._thread.is_alive():
            return False
        data = pack(state)
        self._thread = threading.Thread(target=self._write, args=(data,), name="state", daemon=True)
        self._thread.start()
        return True

    def remove(self) -> None:
        """Removes the file, when what was loaded is outdated: nobody is to load it again."""
        self.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self._errors.error("state file %s: cannot be removed: %s", self.path, error.strerror)

    def close(self) -> None:
        """Waits for what is done in the background."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def load(self) -> Loaded | None:
        """What was saved last; None if there is nothing, or nothing that can be trusted."""
        try:
            data = self._read()
        except FileNotFoundError:
            log.info("state file %s: there is none yet", self.path)
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
        """Raises BadStateError, or OSError."""
        if self.path.is_symlink():
            raise BadStateError("it is a symbolic link")
        fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise BadStateError("it is not a file")
            if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o022:
                raise BadStateError("others may have written it")
            if status.st_size > LARGEST:
                raise BadStateError("it is too large")
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
        """Raises OSError; then what was there still is."""
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
        """Gives the former file its second name; it keeps the first until the new one takes it."""
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
        log.error("state file %s: not used, %s; %s", self.path, why, what)


def pack(state: Mapping[str, Any]) -> bytes:
    """A state as a file holds it."""
    content: bytes = msgpack.packb(dict(state))
    frame = FRAME.pack(MAGIC, VERSION, boot_id(), time.time(), time.monotonic(), len(content))
    return frame + CRC.pack(zlib.crc32(content, zlib.crc32(frame))) + content


def unpack(data: bytes, max_age: float) -> Loaded:
    """What `pack` has made, now. Raises BadStateError, and nothing else whatever `data` is."""
    if data[: len(MAGIC)] != MAGIC:
        raise BadStateError("it is not a state file")
    if len(data) < START:
        raise BadStateError("it is damaged: its end is missing")
    frame, content = data[: FRAME.size], memoryview(data)[START:]
    _, version, boot, wall, monotonic, size = FRAME.unpack(frame)
    if version != VERSION:
        raise BadStateError(f"it is of version {version}, and this program knows version {VERSION}")
    if size != len(content):
        raise BadStateError("it is damaged: its size is not what it was")
    if CRC.unpack_from(data, FRAME.size)[0] != zlib.crc32(content, zlib.crc32(frame)):
        raise BadStateError("it is damaged: its checksum is wrong")
    if not math.isfinite(monotonic):
        raise BadStateError("it is damaged: it has no time")
    state = _unpack_content(content)
    age = time.time() - wall
    same_boot = boot == boot_id()
    reason = "" if same_boot else "it is of another boot"
    if not 0 <= age <= max_age:  # nor a number that is none
        reason = f"it is {age:.0f} s old" if age > 0 else "it is from the future"
    return Loaded(state, not reason, reason, age, same_boot, monotonic)


def _unpack_content(content: memoryview) -> dict[str, Any]:
    try:
        state = msgpack.unpackb(content, ext_hook=_refuse)
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise BadStateError("it is damaged: its content cannot be read") from error
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise BadStateError("it is damaged: its content is of another kind")
    return state


def _refuse(code: int, _data: bytes) -> None:
    raise ValueError(f"extension type {code}")

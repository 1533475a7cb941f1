"""A file of metrics for a collector; it is always complete."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path

from laurel_mp.system.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)


class MetricsFile:
    """Writes in a thread, so that no disk delays the main loop."""

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self._mode = mode
        self._thread: threading.Thread | None = None
        self._errors = RateLimitedLog(log)

    def write_soon(self, text: bytes) -> bool:
        """Writes the file in a thread; returns False if the former one is still being written."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(
            target=self._write, args=(text,), name="metrics", daemon=True
        )
        self._thread.start()
        return True

    def close(self) -> None:
        """Removes the file, as its numbers are outdated."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with suppress(OSError):
            self._path.unlink()

    def _write(self, text: bytes) -> None:
        # The collector takes `*.prom` only, so never this.
        new = self._path.with_name(f".{self._path.name}.new")
        try:
            with suppress(FileNotFoundError):  # of a run that was killed
                new.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(new, flags, 0o600)
            try:
                with open(fd, "wb") as file:  # noqa: PTH123 - by descriptor
                    file.write(text)
                    os.fchmod(fd, self._mode)
                new.rename(self._path)
            except OSError:
                with suppress(OSError):
                    new.unlink()
                raise
        except OSError as error:
            self._errors.warning("metrics: %s: cannot be written: %s", self._path, error.strerror)

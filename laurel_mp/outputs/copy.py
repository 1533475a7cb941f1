"""Copies of the input and of our own messages, which never cause a stall."""

from __future__ import annotations

import logging

from laurel_mp.errors import OutputError
from laurel_mp.outputs.file import LogFile
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.target import Target
from laurel_mp.system.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)


class Copy:
    """A rotating file that never stalls.

    Text that cannot be written is missing from it; a warning says so once a minute.
    """

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._error_log = RateLimitedLog(log)
        self._is_torn = True  # an earlier writer may have been killed

    @classmethod
    def open(cls, target: Target) -> Copy:
        """Opens a regular file; raises OutputError."""
        if not target.is_path:
            raise OutputError(f"{target.name}: a copy can only go to a file")
        file = LogFile(target, StallPolicy(target.name))
        file.open()
        return cls(file)

    def write(self, text: bytes) -> None:
        """Adds whole lines, or leaves them out."""
        try:
            if self._is_torn:
                self._file.resume()
                self._is_torn = False
            self._file.write(text)
        except OutputError as error:
            self._is_torn = True
            self._error_log.warning("%s: lines are missing from this copy", error)

    def tick(self) -> None:
        """Notices that the file was moved or removed; call it about once a second."""
        try:
            self._file.tick()
        except OutputError as error:
            self._error_log.warning("%s", error)

    def rotate(self) -> None:
        """Begins a new file."""
        self._file.rotate()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class CopyHandler(logging.Handler):
    """Writes log messages to a copy. Several processes may write to one file."""

    def __init__(self, copy: Copy) -> None:
        super().__init__()
        self._copy = copy
        self._busy = False

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a message, unless the copy itself has logged it."""
        if self._busy:
            return
        self._busy = True
        try:
            line = self.format(record).replace("\n", " ")
            self._copy.tick()  # another process may have rotated it
            self._copy.write(line.encode(errors="backslashreplace") + b"\n")
        except Exception:  # noqa: BLE001 - as all handlers do
            self.handleError(record)
        finally:
            self._busy = False

    def close(self) -> None:
        """Closes the copy."""
        self._copy.close()
        super().close()

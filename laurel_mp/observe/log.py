"""Where messages for the administrator go: stderr, and syslog where stderr leads nowhere.

Never stdout, which may be an output. Whoever has something to say does not wait for somebody to
read it: what finds no room is kept for a while, and then lost and counted.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import time
from abc import abstractmethod
from collections import deque
from typing import NamedTuple

from laurel_mp.observe.text import LIMIT, describe, printable

SYSLOG = "/dev/log"

STDERR = 2

RETRY = 1.0
"""Seconds between attempts to reach a syslog that is not there."""

MAX_WAITING = 200
"""Messages that are kept for when there is room again: a syslog takes ten at once (unix(7))."""

LAST_CHANCE = 0.2
"""Seconds that the end of the program waits for room."""

_FACILITY = 3 << 3  # LOG_DAEMON, syslog(3)

_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}

_who = ""
"""What is put before this process's messages; `speak_as` sets it."""


class LogStatistics(NamedTuple):
    """How messages fared, in this process."""

    lost: int
    """Found no room, or nobody to take them."""


def start_logging() -> None:
    """Sets up logging; forked children inherit it. A second time it does nothing."""
    root = logging.getLogger()
    if any(isinstance(handler, Lossy) for handler in root.handlers):
        return
    root.setLevel(logging.INFO)
    # At boot, syslog may be there later than we are.
    add_handler(Syslog(SYSLOG) if leads_nowhere() else Stderr())


def speak_as(who: str) -> None:
    """Puts the name of this process before all that it says from here on."""
    global _who
    _who = f"{who}: " if who else ""


def add_handler(handler: logging.Handler) -> None:
    """Has another handler take all messages, in a line each.

    Unless it has a formatter already, its lines begin with the time and the priority.
    """
    if handler.formatter is None:
        handler.setFormatter(OneLine("%(asctime)s %(levelname)s laurel-mp[%(process)d]: "))
    logging.getLogger().addHandler(handler)


def remove_handler(handler: logging.Handler) -> None:
    """Takes back `add_handler`, and closes the handler."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def tick() -> None:
    """Passes on what found no room before. To be called each second or so."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def statistics() -> LogStatistics:
    """Counts since the start of this process."""
    handlers = logging.getLogger().handlers
    return LogStatistics(sum(each.lost for each in handlers if isinstance(each, Lossy)))


class OneLine(logging.Formatter):
    """Makes one printable line of bounded length of a message, and of an error with it."""

    def __init__(self, head: str) -> None:
        super().__init__(head, "%Y-%m-%dT%H:%M:%S%z", validate=False)

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {describe(record.exc_info[1])}"
        record.asctime = self.formatTime(record, self.datefmt)
        return self.formatMessage(record) + _who + printable(text, LIMIT)


class Lossy(logging.Handler):
    """Passes lines on without ever waiting.

    Lines that find no room are kept for later, up to a limit; those beyond it are lost, and how
    many is said as soon as there is room again.
    """

    def __init__(self, head: str) -> None:
        super().__init__()
        self.setFormatter(OneLine(head))
        self.lost = 0
        self._unsaid = 0
        self._waiting: deque[tuple[int, bytes]] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a message."""
        try:
            line = self._line(record)
        except (TypeError, ValueError):  # a message that does not fit its arguments
            self._lose()
            return
        self.flush()
        if self._waiting or not self._try_send(record.levelno, line):
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append((record.levelno, line))
            else:
                self._lose()

    def flush(self) -> None:
        """Passes on what waits, as far as there is room."""
        while self._waiting:
            if not self._try_send(*self._waiting[0]):
                return
            self._waiting.popleft()
        if self._unsaid:
            text = f"{self._unsaid} messages found no room and are lost"
            if self._try_send(logging.WARNING, self._line(logging.makeLogRecord(_fields(text)))):
                self._unsaid = 0

    def close(self) -> None:
        """Gives what waits a last chance."""
        deadline = time.monotonic() + LAST_CHANCE
        self.flush()
        while self._waiting and time.monotonic() < deadline:
            time.sleep(LAST_CHANCE / 20)
            self.flush()
        super().close()

    def _line(self, record: logging.LogRecord) -> bytes:
        return self.format(record).encode("utf-8", "backslashreplace")

    def _lose(self) -> None:
        self.lost += 1
        self._unsaid += 1

    def _try_send(self, level: int, line: bytes) -> bool:
        try:
            return self.send(level, line)
        except OSError:
            return False

    @abstractmethod
    def send(self, level: int, line: bytes) -> bool:
        """Whether the line is on its way; may raise OSError."""


def _fields(text: str) -> dict[str, object]:
    return {"msg": text, "levelno": logging.WARNING, "levelname": "WARNING", "process": os.getpid()}


class Stderr(Lossy):
    """Lines on standard error."""

    def __init__(self) -> None:
        super().__init__("laurel-mp: ")
        self._poll = select.poll()
        self._poll.register(STDERR, select.POLLOUT)

    def send(self, level: int, line: bytes) -> bool:  # noqa: ARG002
        """A pipe has room for 4096 bytes if it is writable at all (pipe(7)): more than a line."""
        if not any(event & select.POLLOUT for _, event in self._poll.poll(0)):
            return False
        os.write(STDERR, line + b"\n")
        return True


class Syslog(Lossy):
    """Datagrams to the system's log: syslogd, or journald in its place (syslog(3))."""

    def __init__(self, path: str) -> None:
        super().__init__("laurel-mp[%(process)d]: ")
        self._path = path
        self._socket: socket.socket | None = None
        self._retry_at = 0.0

    def send(self, level: int, line: bytes) -> bool:
        """A daemon that has been started anew has another socket at the same place."""
        message = b"<%d>%b" % (_FACILITY | _PRIORITIES.get(level, 6), line)
        if self._socket is not None:
            try:
                self._socket.send(message)
            except BlockingIOError:
                return False  # it is there, but does not read
            except OSError:
                self._socket.close()
                self._socket = None
            else:
                return True
        if time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + RETRY
        self._socket = self._connect()
        self._socket.send(message)
        return True

    def close(self) -> None:
        """Closes the socket."""
        super().close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            found.setblocking(False)
            found.connect(self._path)
        except OSError:
            found.close()
            raise
        return found


def leads_nowhere() -> bool:
    """Whether what is written to stderr goes to /dev/null, as auditd sets it up."""
    try:
        return os.fstat(STDERR).st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116
    except OSError:
        return True

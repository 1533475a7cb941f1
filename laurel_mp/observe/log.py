"""Log messages go to stderr, or to syslog if stderr is /dev/null. They never block.

Stdout is never used: it may be an output. Messages that find no room wait in a bounded queue;
beyond its limit they are lost and counted.
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
"""Seconds between attempts to connect to a missing syslog socket."""

MAX_WAITING = 200
"""Messages that may wait for room: a syslog socket takes ten at once (unix(7))."""

LAST_CHANCE = 0.2
"""Seconds to wait for room at exit."""

_FACILITY = 3 << 3  # LOG_DAEMON, syslog(3)

_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}

_who = ""
"""Prefix of the messages of this process; `speak_as` sets it."""


class LogStatistics(NamedTuple):
    """Counters of this process's log messages."""

    lost: int
    """Messages lost because the queue was full, or malformed."""


def start_logging() -> None:
    """Sets up logging, once; forked children inherit it."""
    root = logging.getLogger()
    if any(isinstance(handler, Lossy) for handler in root.handlers):
        return
    root.setLevel(logging.INFO)
    # At boot, laurel-mp may start before syslog.
    add_handler(Syslog(SYSLOG) if leads_nowhere() else Stderr())


def speak_as(who: str) -> None:
    """Sets the prefix of all further messages of this process."""
    global _who
    _who = f"{who}: " if who else ""


def add_handler(handler: logging.Handler) -> None:
    """Adds a handler for all messages.

    Without a formatter of its own, it gets lines that begin with time and priority.
    """
    if handler.formatter is None:
        handler.setFormatter(OneLine("%(asctime)s %(levelname)s laurel-mp[%(process)d]: "))
    logging.getLogger().addHandler(handler)


def remove_handler(handler: logging.Handler) -> None:
    """Removes a handler that `add_handler` added, and closes it."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def tick() -> None:
    """Sends waiting messages, as far as there is room; to be called about once a second."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def statistics() -> LogStatistics:
    """Returns the counters since the start of this process."""
    handlers = logging.getLogger().handlers
    return LogStatistics(sum(each.lost for each in handlers if isinstance(each, Lossy)))


class OneLine(logging.Formatter):
    """Formats a message, and its exception, as one printable line of bounded length."""

    def __init__(self, head: str) -> None:
        super().__init__(head, "%Y-%m-%dT%H:%M:%S%z", validate=False)

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line without a line feed."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {describe(record.exc_info[1])}"
        record.asctime = self.formatTime(record, self.datefmt)
        return self.formatMessage(record) + _who + printable(text, LIMIT)


class Lossy(logging.Handler):
    """Sends lines without ever blocking.

    Lines that find no room wait in a queue of `MAX_WAITING`. Lines beyond that are lost; their
    number is logged as soon as there is room.
    """

    def __init__(self, head: str) -> None:
        super().__init__()
        self.setFormatter(OneLine(head))
        self.lost = 0
        self._unsaid = 0
        self._waiting: deque[tuple[int, bytes]] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a message, or queues it."""
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
        """Sends waiting lines, as far as there is room."""
        while self._waiting:
            if not self._try_send(*self._waiting[0]):
                return
            self._waiting.popleft()
        if self._unsaid:
            text = f"{self._unsaid} log messages lost: no room"
            if self._try_send(logging.WARNING, self._line(logging.makeLogRecord(_fields(text)))):
                self._unsaid = 0

    def close(self) -> None:
        """Tries to send waiting lines for `LAST_CHANCE` seconds."""
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
        """Sends a line; returns False if there is no room. May raise OSError."""


def _fields(text: str) -> dict[str, object]:
    return {"msg": text, "levelno": logging.WARNING, "levelname": "WARNING", "process": os.getpid()}


class Stderr(Lossy):
    """Writes lines to standard error."""

    def __init__(self) -> None:
        super().__init__("laurel-mp: ")
        self._poll = select.poll()
        self._poll.register(STDERR, select.POLLOUT)

    def send(self, level: int, line: bytes) -> bool:  # noqa: ARG002
        """Writes if there is room: a writable pipe takes 4096 bytes, more than a line (pipe(7))."""
        if not any(event & select.POLLOUT for _, event in self._poll.poll(0)):
            return False
        os.write(STDERR, line + b"\n")
        return True


class Syslog(Lossy):
    """Sends datagrams to /dev/log: syslogd, or journald in its place (syslog(3))."""

    def __init__(self, path: str) -> None:
        super().__init__("laurel-mp[%(process)d]: ")
        self._path = path
        self._socket: socket.socket | None = None
        self._retry_at = 0.0

    def send(self, level: int, line: bytes) -> bool:
        """Sends, and connects again if the syslog daemon was restarted with a new socket."""
        message = b"<%d>%b" % (_FACILITY | _PRIORITIES.get(level, 6), line)
        if self._socket is not None:
            try:
                self._socket.send(message)
            except BlockingIOError:
                return False  # the daemon does not read at present
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
    """Returns True if stderr is /dev/null, as auditd sets it up."""
    try:
        return os.fstat(STDERR).st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116
    except OSError:
        return True

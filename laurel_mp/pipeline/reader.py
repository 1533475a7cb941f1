"""The reading thread: it reads, and nothing can hold it up but a full buffer.

The socket from auditd holds about 60 KB, and while nobody reads it, every plugin of the machine
waits, and in the end every audited process. So this thread does not parse, log or write.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque

READ_SIZE = 1 << 18
SMALL_READ = 1 << 14
NAP = 0.003
"""Seconds to let records gather after a read that brought little: each costs auditd a write, and
would cost us a wake-up."""


class Reader:
    """Reads a descriptor into a bounded buffer. One thread reads, another one takes."""

    def __init__(self, fd: int, limit: int) -> None:
        self._fd = fd
        self._limit = limit
        self._buffer: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: OSError | None = None
        self._room = threading.Condition()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def fileno(self) -> int:
        """Readable when something was read, or the input has ended."""
        return self._wake

    @property
    def size(self) -> int:
        """Bytes that were read and not taken."""
        return self._size

    @property
    def ended(self) -> bool:
        """Whether the input has ended and everything was taken."""
        return self._ended and not self._buffer

    @property
    def error(self) -> OSError | None:
        """What ended the input, if it was not its end."""
        return self._error

    def take(self, most: int) -> bytes:
        """Up to about `most` bytes of what was read; nothing if there is nothing."""
        with self._room:
            taken, size = [], 0
            while self._buffer and size < most:
                taken.append(self._buffer.popleft())
                size += len(taken[-1])
            self._size -= size
            if not self._buffer and not self._ended:
                self._clear_wake()
            self._room.notify()
        return b"".join(taken)

    def _clear_wake(self) -> None:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return  # it was clear

    def _run(self) -> None:
        while True:
            try:
                data = os.read(self._fd, READ_SIZE)
            except BlockingIOError:  # somebody who shares the descriptor has made it so
                select.select([self._fd], [], [])
                continue
            except OSError as error:
                self._error = error
                data = b""
            with self._room:
                if data:
                    self._buffer.append(data)
                    self._size += len(data)
                else:
                    self._ended = True
                os.eventfd_write(self._wake, 1)
                if not data:
                    return
                while self._size >= self._limit:
                    self._room.wait()
            if len(data) < SMALL_READ:
                time.sleep(NAP)

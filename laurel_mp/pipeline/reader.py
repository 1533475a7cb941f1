"""The reading thread: it reads, and nothing can hold it up but a full memory.

The socket from auditd holds about 60 KB, and while nobody reads it, every plugin of the machine
waits, and in the end every audited process. So this thread does not parse, and writes no file.
"""

from __future__ import annotations

import threading
import time

from laurel_mp.pipeline.backlog import Backlog
from laurel_mp.pipeline.inputs import Input

SMALL_READ = 1 << 14
NAP = 0.003
"""Seconds to let records gather after a read that brought little: each costs auditd a write, and
would cost us a wake-up."""


class Reader:
    """Reads an input into a backlog, in a thread of its own, and notes when each read came."""

    def __init__(self, source: Input, backlog: Backlog) -> None:
        self._source = source
        self._backlog = backlog
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def stop(self) -> None:
        """Reads what is there, and ends; an input with an end of its own is read up to that.

        Does not wait, and may be called by a signal handler.
        """
        self._source.stop()

    def close(self) -> None:
        """Ends at once; all that was read is in the backlog then."""
        self._source.interrupt()
        self._backlog.unblock()
        if self._thread.ident is not None:
            self._thread.join()
        self._source.close()

    def _run(self) -> None:
        error = None
        try:
            while data := self._source.read():
                self._backlog.put(data, time.monotonic())
                if len(data) < SMALL_READ:
                    time.sleep(NAP)
        except OSError as found:
            error = found
        self._backlog.end(error)

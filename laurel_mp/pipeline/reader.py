"""The reading thread: it reads, and nothing can hold it up but a full memory.

The socket from auditd holds about 60 KB, and while nobody reads it, every plugin of the machine
waits, and in the end every audited process. So this thread does not parse, and writes no file.
"""

from __future__ import annotations

import threading
import time

from laurel_mp.pipeline.backlog import Backlog
from laurel_mp.pipeline.inputs import Input

LONGEST_NAP = 0.025
"""Seconds to let records gather before a read, at most: each read costs a wake-up, and what has
been asleep long wakes up with cold caches. Who begins to write much meanwhile waits so long."""

SHORTEST_NAP = 0.001

LARGE_READ = 1 << 14
"""Bytes; behind one there is no nap."""

NAP_RECORDS = 48
"""How many may come during a nap, by what came lately: the socket takes 90 long ones, or 160."""


class Reader:
    """Reads an input into a backlog, in a thread of its own, and notes when each read came."""

    def __init__(self, source: Input, backlog: Backlog) -> None:
        self.longest_nap = LONGEST_NAP
        """May be set to less at any time."""
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
        nap, before = self.longest_nap, time.monotonic()
        try:
            while data := self._source.read(nap):
                now = time.monotonic()
                self._backlog.put(data, now - nap)
                nap = 0.0 if len(data) >= LARGE_READ else self._nap(data, now - before)
                before = now
        except OSError as found:
            error = found
        self._backlog.end(error)

    def _nap(self, data: bytes, seconds: float) -> float:
        """How long to let records gather when those of `data` have come in so many seconds."""
        until_enough = seconds * NAP_RECORDS / (data.count(b"\n") or 1)
        return min(max(until_enough, SHORTEST_NAP), self.longest_nap)

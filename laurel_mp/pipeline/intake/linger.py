"""The time for which records gather before they are read.

Each read costs a wake-up, and each batch costs several, with cold caches. But the socket from
auditd holds about 60 KB, which is 90 long records or 160 short ones, and auditd waits when it is
full. So ingest sleeps in short naps, and the recent rate of records limits each nap.
"""

from __future__ import annotations

import fcntl
import math
import sys
import termios
import time

LONGEST_NAP = 0.03
"""Seconds: a fifth of the default of `linger-ms`. A burst that fills the socket during a nap
waits for the rest of it, once."""

SHORTEST_NAP = 0.001

NAP_RECORDS = 64
"""Records per nap at the recent rate."""

BATCH_EVENTS, BATCH_RECORDS = 52, 512
"""Enough for a batch: linger is no longer than the time in which so many arrive at the recent rate.
So latency falls as the load rises."""

LARGE_READ = 1 << 14
"""Bytes; no nap follows a read of so many."""

ENOUGH = 16 << 10
"""Bytes that may wait in the socket at the end of the next nap, at the rate of the naps before."""

_NOTHING = bytes(4)  # an int that the kernel fills


class LingerPolicy:
    """Decides how long to sleep, by the recent rate of records. For one thread at a time."""

    def __init__(self, linger: float) -> None:
        self.linger = linger
        """Seconds for which records gather at a low rate; may be set at any time."""
        self.nap = min(LONGEST_NAP, linger)
        """Seconds to sleep before the next read."""
        self._until_batch = math.inf
        """Seconds until there is enough for a batch, at the recent rate."""
        self._last_read = time.monotonic()

    @property
    def time(self) -> float:
        """Seconds for which records gather."""
        return min(self.linger, self._until_batch)

    def record_read(self, data: bytes) -> None:
        """Takes the rate from a read that has just ended."""
        now = time.monotonic()
        passed, records = now - self._last_read, data.count(b"\n") or 1
        events = data.count(b"type=SYSCALL ") or 1
        self._until_batch = passed * min(BATCH_EVENTS / events, BATCH_RECORDS / records)
        if len(data) >= LARGE_READ:
            self.nap = 0.0
        else:
            until_enough = passed * NAP_RECORDS / records
            self.nap = min(max(until_enough, SHORTEST_NAP), LONGEST_NAP, self.linger)
        self._last_read = now

    def sleep(self, fd: int, seconds: float) -> float:
        """Sleeps until it is time to read; returns what is left of `seconds`.

        It sleeps in naps, and stops early when `fd` has much to read.
        """
        slept, nap = 0.0, min(self.nap, seconds)
        while nap > 0:
            time.sleep(nap)
            slept += nap
            seconds -= nap
            nap = min(self.nap, seconds)
            if nap > 0 and unread(fd) * (slept + nap) > ENOUGH * slept:
                break
        return seconds


def unread(fd: int) -> int:
    """Returns the number of bytes in a socket or pipe; 0 if unknown."""
    try:
        found = fcntl.ioctl(fd, termios.FIONREAD, _NOTHING)
    except OSError:
        return 0
    return int.from_bytes(found, sys.byteorder)

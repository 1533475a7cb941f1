"""How long records may gather before they are read.

Each read costs a wake-up, and each batch some more; what wakes up finds cold caches, so that little
costs much then. On the other hand, the socket from auditd holds about 60 KB, which is 90 long
records or 160 short ones, and whoever writes to a full one waits. So records gather in naps, and no
nap is longer than what came lately allows.
"""

from __future__ import annotations

import fcntl
import math
import sys
import termios
import time

LONGEST_NAP = 0.03
"""Seconds; five of them are the default of `linger-ms`. Who begins to write much meanwhile waits
so long at most, and once."""

SHORTEST_NAP = 0.001

NAP_RECORDS = 64
"""How many may come during a nap, by what came lately."""

BATCH_EVENTS, BATCH_RECORDS = 52, 512
"""So many are worth a batch: where they come in less time than they may gather, that is enough. So
latency falls as the load rises."""

LARGE_READ = 1 << 14
"""Bytes; behind one there is no nap."""

ENOUGH = 16 << 10
"""Bytes that may be there at the end of a nap, by what has come during those before it."""

_NOTHING = bytes(4)  # an int, which the kernel gives back with a number in it


class LingerPolicy:
    """Decides by what came lately. One thread at a time."""

    def __init__(self, linger: float) -> None:
        self.linger = linger
        """Seconds for which records may gather, while few come; may be set at any time."""
        self.nap = min(LONGEST_NAP, linger)
        """Seconds for which nobody need look at the input now."""
        self._until_batch = math.inf
        """Seconds in which there is enough for a batch, at the pace of what came lately."""
        self._before = time.monotonic()

    @property
    def time(self) -> float:
        """Seconds for which they may gather."""
        return min(self.linger, self._until_batch)

    def note(self, data: bytes) -> None:
        """This was read now, and so the next records will come, perhaps."""
        now = time.monotonic()
        passed, records = now - self._before, data.count(b"\n") or 1
        events = data.count(b"type=SYSCALL ") or 1
        self._until_batch = passed * min(BATCH_EVENTS / events, BATCH_RECORDS / records)
        if len(data) >= LARGE_READ:
            self.nap = 0.0
        else:
            until_enough = passed * NAP_RECORDS / records
            self.nap = min(max(until_enough, SHORTEST_NAP), LONGEST_NAP, self.linger)
        self._before = now

    def rest(self, fd: int, seconds: float) -> float:
        """Naps, perhaps several times, until it is time to read; returns what is left of `seconds`.

        There are more naps if few records have come during those before.
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
    """Bytes that could be read at once; none if that cannot be known."""
    try:
        found = fcntl.ioctl(fd, termios.FIONREAD, _NOTHING)
    except OSError:
        return 0
    return int.from_bytes(found, sys.byteorder)

"""Settings of the C library's allocator, and return of free memory to the system.

A flood fills the window, and with it some 100 MB of messages in all processes. glibc keeps most of
that when it is free again: each thread has its own heap (libzmq's, too), the trim threshold rises
with the sizes that were freed, and one live byte at the end of a heap keeps all before it. So
processes call malloc_trim(3) at some checkpoints.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # <malloc.h>

LARGE = 400 << 10
"""Bytes from which a block gets its own mapping, which leaves no hole: the lines of a batch,
messages. By default this threshold rises to the size of the largest block that was freed."""

TOP = 2 << 20
"""Free bytes that stay at the end of the heap."""

KEPT = 64 << 20
"""Free bytes that an offline command keeps for the next batch."""

MAPPED = 32 << 20
"""Bytes from which a block gets its own mapping there; the maximum of glibc."""

SLOW_BYTES, FAST_BYTES = 1 << 20, 16 << 20
"""Bytes of messages after which memory is returned: when the rate is low, and when it is high. At a
steady rate the memory is needed again at once, with a page fault for each 4 KiB."""

QUIET = 1 << 16
"""Bytes between two checkpoints up to which the rate is low."""

PAUSE = 0.9
"""Seconds between two calls of malloc_trim(3), for the same reason."""


def use_one_heap() -> None:
    """Makes all threads share a heap, in children, too. Python's threads hold the GIL mostly."""
    _set({M_ARENA_MAX: 1, M_MMAP_THRESHOLD: LARGE, M_TRIM_THRESHOLD: TOP})


def keep_what_is_free() -> None:
    """Keeps free memory in an offline command, for speed.

    Otherwise each batch of a megabyte costs a page fault for each 4 KiB, in all processes: up to a
    twentieth of all CPU time.
    """
    _set({M_MMAP_THRESHOLD: MAPPED, M_TRIM_THRESHOLD: KEPT})


def _set(values: Mapping[int, int]) -> None:
    """Sets parameters of malloc(3) by mallopt(3), which musl does not have."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in values.items():
            mallopt(parameter, value)


class GiveBack:
    """Returns free memory to the system at checkpoints, if there is enough of it."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._passed = self._lately = 0
        self._again = False
        """True if memory may have become free since the last call of malloc_trim(3)."""
        self._last = time.monotonic()

    @property
    def is_due(self) -> bool:
        """True if a later checkpoint may return memory."""
        return self._again or self._passed >= SLOW_BYTES

    def passed(self, size: int) -> None:
        """Counts bytes of messages that were processed."""
        self._passed += size
        self._lately += size

    def __call__(self) -> None:
        """Returns memory if it is due; call it at each checkpoint."""
        enough = SLOW_BYTES if self._lately < QUIET else FAST_BYTES
        self._lately = 0
        if not self._again and self._passed < enough:
            return
        now = time.monotonic()
        if now - self._last >= PAUSE:
            self._again = self._passed >= enough
            self._last, self._passed = now, 0
            if self._trim is not None:  # not with musl
                self._trim(0)

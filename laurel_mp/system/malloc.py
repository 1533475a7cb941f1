"""What the C library keeps of freed memory, given back to the system.

A flood fills the window, and with it some 100 MB of messages in all processes. glibc keeps most of
that when it is free again: each thread has a heap of its own (libzmq's has one), the threshold
for memory that is given back rises with the sizes that were seen, and one live byte at the end of a
heap keeps all before it. So processes ask for it, now and then, when much went through.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # <malloc.h>

LARGE = 400 << 10
"""Bytes of what gets a mapping of its own, and so leaves no hole when it goes: the lines of a
batch, messages. If it is not set, this rises to the size of the largest one that was freed."""

TOP = 2 << 20
"""Bytes that are kept at the end of the heap."""

KEPT = 64 << 20
"""Bytes of free memory that an offline command keeps for the next batch."""

MAPPED = 32 << 20
"""Bytes of what gets a mapping of its own there; the C library allows no more."""

WORTH_IT, MUCH = 1 << 20, 16 << 20
"""Bytes of messages since the last time, when it has become quiet, and when more come. While they
come evenly, what is given back is needed again at once, with a page fault for each 4 KiB."""

QUIET = 1 << 16
"""Bytes between two checkpoints; where more come, it is not."""

PAUSE = 0.9
"""Seconds between two times: what is needed again costs a page fault for each 4 KiB."""


def use_one_heap() -> None:
    """Has all threads share a heap, and those of children, too. Python's hold the GIL mostly."""
    _set({M_ARENA_MAX: 1, M_MMAP_THRESHOLD: LARGE, M_TRIM_THRESHOLD: TOP})


def keep_what_is_free() -> None:
    """Makes an offline command faster: whoever waits for it does not count its memory.

    Else each batch of a megabyte costs a page fault for each 4 KiB, in all processes: up to a
    twentieth of all CPU time.
    """
    _set({M_MMAP_THRESHOLD: MAPPED, M_TRIM_THRESHOLD: KEPT})


def _set(values: Mapping[int, int]) -> None:
    """Sets parameters of malloc(3), where mallopt(3) can: not with musl."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in values.items():
            mallopt(parameter, value)


class GiveBack:
    """Gives memory back when it is worth it."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._passed = self._lately = 0
        self._again = False
        """Whether something may have been in use the last time that is not any more."""
        self._last = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether there may be something to give back, by and by."""
        return self._again or self._passed >= WORTH_IT

    def passed(self, size: int) -> None:
        """So many bytes went through."""
        self._passed += size
        self._lately += size

    def __call__(self) -> None:
        """At a checkpoint, behind which much may be free."""
        enough = WORTH_IT if self._lately < QUIET else MUCH
        self._lately = 0
        if not self._again and self._passed < enough:
            return
        now = time.monotonic()
        if now - self._last >= PAUSE:
            self._again = self._passed >= enough
            self._last, self._passed = now, 0
            if self._trim is not None:  # not with musl
                self._trim(0)

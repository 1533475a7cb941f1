"""Memory that is in use in huge pages, for a process that sleeps between batches.

What wakes up touches some thousand pages to decode a few events. By then the processor has
forgotten where most of them are, and in a virtual machine, whose host may keep tables of its own,
to find one again can take microseconds: more than what is done with it. A page of 2 MiB is found
as fast as one of 4 KiB. So, now and then, blocks of memory that are full anyway are put together
(MADV_COLLAPSE, madvise(2), since Linux 6.1). Where that cannot be done all goes on as it was.
"""

from __future__ import annotations

import ctypes
import errno
import math
import mmap
import re
import time
from collections.abc import Iterator
from pathlib import Path

SIZE = 2 << 20
"""Bytes. Larger ones, as on systems with pages of 64 KiB, would never be full."""

FULL = 0.9
"""Part of a block that must be there: what is not, takes memory from then on."""

MOST_SECONDS = 0.02
"""So long it may take at once; a block takes 3 to 15 ms."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds; what was started lately grows, later hardly anything changes."""

SYSTEM = Path("/sys/kernel/mm/transparent_hugepage")

_MADV_COLLAPSE = 25  # <linux/mman.h>

_LOWEST_BIT = bytes([byte & 1 for byte in range(256)])
"""The others are undefined, mincore(2)."""

# Private, writable, of no file.
_mapping = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) rw-p 00000000 00:00 0 *(?:\[heap\])?$", re.MULTILINE
)


class HugePages:
    """Puts blocks together; of use in a process that shares hardly any memory with others."""

    def __init__(self, system: Path = SYSTEM) -> None:
        self._is_possible = _size(system) == SIZE
        self._pause = FIRST_PAUSE
        self._due = -math.inf
        self._pages = (ctypes.c_ubyte * (SIZE // mmap.PAGESIZE))()
        library = ctypes.CDLL(None, use_errno=True)
        self._madvise, self._mincore = library.madvise, library.mincore
        self.blocks = 0
        """How many were put together at the last look, or had been before."""

    def start(self) -> None:
        """Puts all together that is there, before there is anything to do. Never fails."""
        if self._is_possible:
            self._put_together(math.inf)
            self._due = time.monotonic() + self._pause

    def __call__(self) -> None:
        """Does the same with what has come, a little at a time, if it is due. Never fails."""
        now = time.monotonic()
        if not self._is_possible or now < self._due:
            return
        is_done = self._put_together(now + MOST_SECONDS)
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if is_done else FIRST_PAUSE
        self._due = now + self._pause

    def _put_together(self, deadline: float) -> bool:
        """Whether all blocks were looked at."""
        self.blocks = 0
        for address in _blocks():
            if time.monotonic() >= deadline:
                return False
            if not self._is_full(address):
                continue
            if self._madvise(ctypes.c_void_p(address), ctypes.c_size_t(SIZE), _MADV_COLLAPSE) == 0:
                self.blocks += 1
            elif ctypes.get_errno() == errno.EINVAL:  # the system does not know how
                self._is_possible = False
                return True
        return True

    def _is_full(self, address: int) -> bool:
        found = self._mincore(ctypes.c_void_p(address), ctypes.c_size_t(SIZE), self._pages)
        there = bytes(self._pages).translate(_LOWEST_BIT).count(1)
        return found == 0 and there >= FULL * len(self._pages)


def _size(system: Path) -> int:
    """Bytes of a huge page; 0 if there are none, or if the administrator wants none."""
    try:
        if "[never]" in (system / "enabled").read_text():
            return 0
        return int((system / "hpage_pmd_size").read_text())
    except (OSError, ValueError):
        return 0


def _blocks() -> Iterator[int]:
    """Addresses of what could be a huge page."""
    try:
        mappings = Path("/proc/self/maps").read_bytes()
    except OSError:
        return
    for match in _mapping.finditer(mappings):
        start, end = int(match[1], 16), int(match[2], 16)
        yield from range(-(-start // SIZE) * SIZE, end - SIZE + 1, SIZE)

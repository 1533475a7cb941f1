"""Huge pages for a process that sleeps between batches.

A process that wakes up touches some thousand pages to decode a few events. Most of them have left
the TLB by then. In a virtual machine with nested page tables a miss can take microseconds, more
than the work on the page. A huge page of 2 MiB takes one TLB entry. So blocks of memory that are
full anyway are collapsed now and then (MADV_COLLAPSE, madvise(2), since Linux 6.1). Where the
system cannot do that, nothing changes.
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
"""Bytes of a huge page. Larger ones, as on systems with pages of 64 KiB, would never be full."""

FULL = 0.9
"""Part of a block that must be resident: collapsing makes the rest resident, too."""

MOST_SECONDS = 0.02
"""Seconds after which a call stops; a block takes 3 to 15 ms."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds between calls: a new process grows, an old one hardly changes."""

SYSTEM = Path("/sys/kernel/mm/transparent_hugepage")

_MADV_COLLAPSE = 25  # <linux/mman.h>

_LOWEST_BIT = bytes([byte & 1 for byte in range(256)])
"""The other bits of mincore(2) are undefined."""

# Private and writable, without a file.
_mapping = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) rw-p 00000000 00:00 0 *(?:\[heap\])?$", re.MULTILINE
)


class HugePages:
    """Collapses blocks into huge pages; useful in a process that shares little memory."""

    def __init__(self, system: Path = SYSTEM) -> None:
        self._is_possible = _size(system) == SIZE
        self._pause = FIRST_PAUSE
        self._due = -math.inf
        self._pages = (ctypes.c_ubyte * (SIZE // mmap.PAGESIZE))()
        library = ctypes.CDLL(None, use_errno=True)
        self._madvise, self._mincore = library.madvise, library.mincore
        self.blocks = 0
        """Number of huge pages that the last call has made or found."""

    def start(self) -> None:
        """Collapses all blocks, before the first batch. Never fails."""
        if self._is_possible:
            self._collapse(math.inf)
            self._due = time.monotonic() + self._pause

    def __call__(self) -> None:
        """Collapses new blocks for up to `MOST_SECONDS`, if it is due. Never fails."""
        now = time.monotonic()
        if not self._is_possible or now < self._due:
            return
        is_complete = self._collapse(now + MOST_SECONDS)
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if is_complete else FIRST_PAUSE
        self._due = now + self._pause

    def _collapse(self, deadline: float) -> bool:
        """Returns True if it has checked all blocks before the deadline."""
        self.blocks = 0
        for address in _blocks():
            if time.monotonic() >= deadline:
                return False
            if not self._is_full(address):
                continue
            if self._madvise(ctypes.c_void_p(address), ctypes.c_size_t(SIZE), _MADV_COLLAPSE) == 0:
                self.blocks += 1
            elif ctypes.get_errno() == errno.EINVAL:  # the kernel is too old
                self._is_possible = False
                return True
        return True

    def _is_full(self, address: int) -> bool:
        found = self._mincore(ctypes.c_void_p(address), ctypes.c_size_t(SIZE), self._pages)
        there = bytes(self._pages).translate(_LOWEST_BIT).count(1)
        return found == 0 and there >= FULL * len(self._pages)


def _size(system: Path) -> int:
    """Returns the bytes of a huge page; 0 if there are none, or the administrator forbids them."""
    try:
        if "[never]" in (system / "enabled").read_text():
            return 0
        return int((system / "hpage_pmd_size").read_text())
    except (OSError, ValueError):
        return 0


def _blocks() -> Iterator[int]:
    """Yields the addresses of blocks that can become huge pages."""
    try:
        mappings = Path("/proc/self/maps").read_bytes()
    except OSError:
        return
    for match in _mapping.finditer(mappings):
        start, end = int(match[1], 16), int(match[2], 16)
        yield from range(-(-start // SIZE) * SIZE, end - SIZE + 1, SIZE)

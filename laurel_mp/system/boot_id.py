"""Which boot of this host it is: times of its monotonic clock mean nothing in another one."""

from __future__ import annotations

import uuid
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SIZE = 16


def boot_id() -> bytes:
    """The 16 bytes of random(4)'s boot_id; zeros where there is none."""
    try:
        return uuid.UUID(BOOT_ID.read_text().strip()).bytes
    except (OSError, ValueError):
        return bytes(SIZE)

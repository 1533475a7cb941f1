"""The id of this boot: monotonic times of one boot have no meaning in another."""

from __future__ import annotations

import uuid
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SIZE = 16


def boot_id() -> bytes:
    """Returns the 16 bytes of random(4)'s boot_id; zeros if there is none."""
    try:
        return uuid.UUID(BOOT_ID.read_text().strip()).bytes
    except (OSError, ValueError):
        return bytes(SIZE)

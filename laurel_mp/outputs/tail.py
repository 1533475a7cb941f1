"""How a regular file ends."""

from __future__ import annotations

import os


def continues(fd: int, text: bytes, torn: int) -> bool:
    """Whether the last line of a file is not ended, and is the first `torn` bytes of `text`."""
    size = os.fstat(fd).st_size
    if not 0 < torn <= size:
        return False
    end = os.pread(fd, torn + 1, max(size - torn - 1, 0))
    return end == (b"" if size == torn else b"\n") + text[:torn]


def is_torn(fd: int) -> bool:
    """Whether the last line of a file is not ended."""
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"

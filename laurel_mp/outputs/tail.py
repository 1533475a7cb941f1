"""Looks at the end of a regular file."""

from __future__ import annotations

import os


def continues(fd: int, text: bytes, torn: int) -> bool:
    """True if a file ends within a line, which is the first `torn` bytes of `text`."""
    size = os.fstat(fd).st_size
    if not 0 < torn <= size:
        return False
    end = os.pread(fd, torn + 1, max(size - torn - 1, 0))
    return end == (b"" if size == torn else b"\n") + text[:torn]


def is_torn(fd: int) -> bool:
    """True if a file ends within a line."""
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"

"""Parses numbers in text of unknown origin."""

from __future__ import annotations

_MOST_DIGITS = 19
"""Enough for all numbers here. Beyond a few thousand digits, Python refuses to convert."""


def whole(text: str, default: int = 0) -> int:
    """Returns the number, or the default if it is not one."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else default


def bits(text: str) -> int:
    """Returns a hexadecimal bit set as in /proc; 0 if it is not a number."""
    try:
        return int(text[:16], 16)
    except ValueError:
        return 0

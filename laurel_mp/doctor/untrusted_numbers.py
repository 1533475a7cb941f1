"""Numbers in text of unknown origin."""

from __future__ import annotations

_MOST_DIGITS = 19
"""What any of ours can have. Beyond a few thousand, Python refuses to convert."""


def whole(text: str, default: int = 0) -> int:
    """The number, or the default if it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else default


def bits(text: str) -> int:
    """A set of bits in hexadecimal, as /proc has them; none if it is no such number."""
    try:
        return int(text[:16], 16)
    except ValueError:
        return 0

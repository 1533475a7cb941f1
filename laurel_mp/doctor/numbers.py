"""Numbers in text of unknown origin."""

from __future__ import annotations

_MOST_DIGITS = 19
"""What any of ours can have. Beyond a few thousand, Python refuses to convert."""


def whole(text: str, default: int = 0) -> int:
    """The number, or the default if it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else default

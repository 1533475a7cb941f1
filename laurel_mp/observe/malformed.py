"""Saying which lines were malformed, but not more often than anyone wants to read."""

from __future__ import annotations

from collections.abc import Callable

SHOWN_BYTES = 120
"""How much of a line is shown."""


class MalformedReport:
    """Reports the first `most` lines one by one, the others by their number at the end."""

    def __init__(self, say: Callable[[str], None], most: int = 10) -> None:
        self._say = say
        self._most = most
        self._lines = 0

    def add(self, line: tuple[int, bytes]) -> None:
        """Takes a malformed line: its position in the stream and its text."""
        self._lines += 1
        if self._lines <= self._most:
            position, text = line
            shown = ascii(text[:SHOWN_BYTES])[1:] + ("…" if len(text) > SHOWN_BYTES else "")
            self._say(f"malformed line at byte {position}: {shown}")

    def close(self) -> None:
        """Says how many more there were."""
        if self._lines > self._most:
            self._say(f"{self._lines - self._most} more malformed lines")

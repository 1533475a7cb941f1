"""Saying which lines were malformed, but not more often than anyone wants to read.

A line in the log for each line in the stream would be a loop if the log itself is audited.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SHOWN_BYTES = 120
"""How much of a line is shown."""


class MalformedReport:
    """Reports the first `most` lines of each `period` one by one, the others by their number."""

    def __init__(
        self,
        say: Callable[[str], None],
        most: int = 10,
        period: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._most = most
        self._period = period
        self._clock = clock
        self._since = clock()
        self._lines = 0

    def add(self, line: tuple[int, bytes]) -> None:
        """Takes a malformed line: its position in the stream and its text."""
        self.tick()
        if self._lines == 0:
            self._since = self._clock()
        self._lines += 1
        if self._lines <= self._most:
            position, text = line
            shown = ascii(text[:SHOWN_BYTES])[1:] + ("…" if len(text) > SHOWN_BYTES else "")
            self._say(f"malformed line at byte {position}: {shown}")

    def tick(self) -> None:
        """Says how many more there were, once the period is over."""
        if self._lines and self._clock() - self._since >= self._period:
            self.close()

    def close(self) -> None:
        """Says how many more there were in this period."""
        if self._lines > self._most:
            self._say(f"{self._lines - self._most} more malformed lines")
        self._lines = 0

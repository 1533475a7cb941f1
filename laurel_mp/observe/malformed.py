"""Log messages about malformed lines, with a limit.

Without a limit there would be a loop if writing the log is audited itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SHOWN_BYTES = 120
"""Bytes of a line that are shown."""


class MalformedReport:
    """Reports the first `most` lines of each `period` one by one, and counts the others."""

    def __init__(
        self,
        say: Callable[[str], None],
        most: int = 10,
        period: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        describe: Callable[[int, bytes], str] | None = None,
    ) -> None:
        """`describe` says where a line was and why it is malformed, from position and text."""
        self._say = say
        self._describe = describe or _describe
        self._most = most
        self._period = period
        self._clock = clock
        self._since = clock()
        self._lines = 0

    def add(self, line: tuple[int, bytes]) -> None:
        """Reports or counts a malformed line, given its stream position and text."""
        self.tick()
        if self._lines == 0:
            self._since = self._clock()
        self._lines += 1
        if self._lines <= self._most:
            position, text = line
            shown = ascii(text[:SHOWN_BYTES])[1:] + ("…" if len(text) > SHOWN_BYTES else "")
            self._say(f"{self._describe(position, text)}: {shown}")

    def tick(self) -> None:
        """Reports the number of the others when the period is over."""
        if self._lines and self._clock() - self._since >= self._period:
            self.close()

    def close(self) -> None:
        """Reports the number of the others in this period."""
        if self._lines > self._most:
            self._say(f"{self._lines - self._most} more malformed lines")
        self._lines = 0


def _describe(position: int, _text: bytes) -> str:
    return f"malformed line at byte {position}"

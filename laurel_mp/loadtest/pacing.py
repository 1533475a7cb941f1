"""Writes a stream at its own pace: each piece when it is due, in small slices.

Between two writes there are at least `NAP` seconds, and one write holds no more than what is due
within `SLICE` seconds. So a stream that fell behind catches up at up to twice its rate, without a
burst; and a rate of hundreds of thousands of events costs 200 writes a
second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

NAP = 0.005
SLICE = 2 * NAP

MAX_LAG = 1.0
"""Seconds of lag that are caught up. More is given up: a reader that stopped for a minute would
get that minute at twice the rate, which is not the rate that was set."""

MOST_BYTES = 1 << 20
"""Size of a write, unless a single piece is longer."""


class Pace:
    """Plays one stream; its clock starts with the first piece."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self.slipped = 0.0
        """Seconds of lag that were not caught up."""

    def play(self, pieces: Iterable[tuple[float, bytes]], write: Callable[[bytes], object]) -> None:
        """Writes each piece when it is due: (seconds since the first one, bytes), in order of time.

        `write` writes all bytes, and may block. Errors of `write` and of the iterator
        are passed on.
        """
        start: float | None = None
        together: list[bytes] = []
        size = 0
        limit = 0.0  # what is due until then may go into the same write
        try:
            for due, piece in pieces:
                if together and (due > limit or size + len(piece) > MOST_BYTES):
                    _write(together, write)
                    size = 0
                    self._sleep(NAP)
                if not together:
                    now = self._clock()
                    start = now - due if start is None else self._wait(start, due, now)
                    limit = min(self._clock() - start, due + SLICE)
                together.append(piece)
                size += len(piece)
        finally:  # what was due when the input failed is written; after a failed write, nothing is
            _write(together, write)

    def _wait(self, start: float, due: float, now: float) -> float:
        """Sleeps until `due`; returns the start of the stream, later than before if it slipped."""
        ahead = start + due - now
        if ahead > 0:
            self._sleep(ahead)
        elif -ahead > MAX_LAG:
            self.slipped += -ahead - MAX_LAG
            start += -ahead - MAX_LAG
        return start


def _write(together: list[bytes], write: Callable[[bytes], object]) -> None:
    text = b"".join(together)
    together.clear()
    if text:
        write(text)

"""Write a stream at its own pace: each piece when it is due, in small slices.

Between two writes there are at least `NAP` seconds, and one write holds no more than what is due
within `SLICE` seconds. So a stream that fell behind catches up at up to twice its rate, without a
burst that nobody asked for; and a rate of hundreds of thousands of events costs 200 writes a
second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

NAP = 0.005
SLICE = 2 * NAP

PATIENCE = 1.0
"""Seconds that a stream may be behind. What it is further behind is not caught up: a reader that
stood still would get a minute's worth at twice the rate, which is no rate that anybody set."""

MOST_BYTES = 1 << 20
"""A write holds no more, but for a single piece that is longer."""


class Pace:
    """Plays one stream; what time it is there is counted from the first piece on."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self.slipped = 0.0
        """Seconds that were given up because the stream was too far behind."""

    def play(self, pieces: Iterable[tuple[float, bytes]], write: Callable[[bytes], object]) -> None:
        """Write each piece when it is due: (seconds since the first one, bytes), in order of time.

        `write` takes all of what it is given, and may block. Errors of `write` and of the iterator
        go through.
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
        """Sleep until `due`; when the stream then began, later than before if it slipped."""
        ahead = start + due - now
        if ahead > 0:
            self._sleep(ahead)
        elif -ahead > PATIENCE:
            self.slipped += -ahead - PATIENCE
            start += -ahead - PATIENCE
        return start


def _write(together: list[bytes], write: Callable[[bytes], object]) -> None:
    text = b"".join(together)
    together.clear()
    if text:
        write(text)

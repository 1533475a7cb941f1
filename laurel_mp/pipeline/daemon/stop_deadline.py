"""The time at which a run that ends leaves the rest to the next run."""

from __future__ import annotations

import time
from collections.abc import Callable


class StopDeadline:
    """Ends the run `pipeline.stop-timeout` after a stop signal.

    It does so, too, when the input has ended and the output has stalled for so long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: float | None = None
        self._stalled_since: float | None = None

    @property
    def is_set(self) -> bool:
        """True after a stop signal."""
        return self._at is not None

    @property
    def left(self) -> float | None:
        """Seconds until the deadline; None if there is none."""
        return max(self._at - self._clock(), 0.0) if self._at is not None else None

    def set(self, timeout: float) -> None:
        """Notes a stop signal; the first one counts."""
        if self._at is None:
            self._at = self._clock() + timeout

    def is_over(self, timeout: float, *, last_stall: bool) -> bool:
        """Returns True if the run must end now.

        `last_stall` is true while the output stalls and there will be no more input.
        """
        now = self._clock()
        if self._at is not None:
            return now >= self._at
        if not last_stall:
            self._stalled_since = None
            return False
        if self._stalled_since is None:
            self._stalled_since = now
        return now - self._stalled_since >= timeout

"""Waiting for a sink that takes nothing: the only place where a writer waits."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable, Iterable

from laurel_mp.errors import OutputError
from laurel_mp.system.rate_limited_log import RateLimitedLog

LOOK = 0.2
"""Longest single wait, in seconds."""

RETRY = 0.25
"""Seconds until a failed write is tried again."""

NOTEWORTHY = 1.0
"""Seconds after which a stall is logged."""

OnStall = Callable[[str], None]
"""Takes the name of a stalled sink and the reason, at least every half second; may raise."""

Watched = tuple[int, int]
"""A descriptor, and the events of poll(2) that end the wait."""

log = logging.getLogger(__name__)


class Backoff:
    """Delays retries: none after the first failure, then longer each time."""

    def __init__(self, first: float = 0.1, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._delay = 0.0
        self._failures = 0
        self._due = 0.0

    def failed(self) -> None:
        """Notes a failure."""
        self._delay = min(self._delay * 2 or self._first, self._most) if self._failures else 0.0
        self._failures += 1
        self._due = time.monotonic() + self._delay

    def reset(self) -> None:
        """Forgets earlier failures: it has worked for long enough."""
        self._failures = 0
        self._delay = 0.0

    @property
    def remaining(self) -> float:
        """Seconds until the next attempt is due."""
        return max(self._due - time.monotonic(), 0.0)


class StallPolicy:
    """Waits for one sink, and reports the stall."""

    def __init__(self, name: str, on_stall: OnStall | None = None) -> None:
        self.name = name
        self._on_stall = on_stall
        self._since: float | None = None
        self._told = 0.0
        self._log = RateLimitedLog(log)
        self._complained = False

    @property
    def waits(self) -> bool:
        """True if failures are waited out, False if they raise OutputError."""
        return self._on_stall is not None

    def start(self) -> None:
        """Begins the write of a text."""
        self._told = time.monotonic()

    def fail(self, error: OSError) -> None:
        """Waits a moment after a failed write."""
        self.hold(RETRY, error.strerror or str(error), error)

    def hold(self, seconds: float, reason: str, error: OSError | None = None) -> None:
        """Waits at most `seconds` for a failure to pass; raises OutputError if it must not wait."""
        if self._on_stall is None:
            raise OutputError(f"{self.name}: cannot be written: {reason}") from error
        self.wait(seconds, reason)

    def wait(self, seconds: float, reason: str, watched: Iterable[Watched] = ()) -> bool:
        """Waits at most `seconds`; returns early, with True, if one of `watched` is ready."""
        poll = select.poll()
        for fd, events in watched:
            poll.register(fd, events)
        if poll.poll(0):
            return True
        now = time.monotonic()
        if self._since is None:
            self._since = now
        if self._on_stall is not None and now - self._told >= LOOK:
            self._told = now
            self._on_stall(f"{self.name}: {reason}")
        if now - self._since >= NOTEWORTHY:
            waited = f" for {now - self._since:.0f} s" if self._complained else ""
            if self._log.warning("%s: output stalled%s: %s", self.name, waited, reason):
                self._complained = True
        return bool(poll.poll(min(seconds, LOOK) * 1000))

    def moved(self) -> None:
        """Ends a stall: something was written."""
        if self._since is None:
            return
        if self._complained:
            log.info("%s: output resumed after %.0f s", self.name, time.monotonic() - self._since)
            self._complained = False
        self._since = None

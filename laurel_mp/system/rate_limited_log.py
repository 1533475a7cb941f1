"""Log messages about a condition that persists: at most one per minute."""

from __future__ import annotations

import logging
import time

PERIOD = 60.0
"""Seconds between two messages."""


class RateLimitedLog:
    """Logs at most one message per period; drops the others.

    Use one object for each condition, so that one condition does not hide another.
    """

    def __init__(self, log: logging.Logger, period: float = PERIOD) -> None:
        self._log = log
        self._period = period
        self._next = 0.0

    def log(self, level: int, message: str, *arguments: object) -> bool:
        """Logs the message unless one was logged within the period; returns True if logged."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._period
        self._log.log(level, message, *arguments)
        return True

    def warning(self, message: str, *arguments: object) -> bool:
        """Logs at level warning, as `log` does."""
        return self.log(logging.WARNING, message, *arguments)

    def error(self, message: str, *arguments: object) -> bool:
        """Logs at level error, as `log` does."""
        return self.log(logging.ERROR, message, *arguments)

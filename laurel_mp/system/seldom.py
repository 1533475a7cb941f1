"""Messages about what goes on for long: at most one in a while."""

from __future__ import annotations

import logging
import time

PERIOD = 60.0


class Seldom:
    """Logs a message if it has not logged one for a minute; otherwise it is left out."""

    def __init__(self, log: logging.Logger, period: float = PERIOD) -> None:
        self._log = log
        self._period = period
        self._next = 0.0

    def __call__(self, level: int, message: str, *arguments: object) -> bool:
        """Whether the message was logged."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._period
        self._log.log(level, message, *arguments)
        return True

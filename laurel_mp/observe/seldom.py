"""Messages that could come often, said seldom."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MAX_KINDS = 64
"""Kinds that are told apart at a time; all others count as one."""

_OTHERS = "\0others"


@dataclass(slots=True)
class _Kind:
    since: float
    """When the last one was said."""
    on_stall: int = 0
    last: str = ""


class Seldom:
    """Says each kind of message at most once per period, and how many it held back.

    What was held back comes out with the first `tick` after the period, not just with the next
    message of its kind. Not for use from several threads.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        period: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._period = period
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def say(self, kind: str, text: str) -> None:
        """Says the text now, or counts it."""
        self.tick()
        found = self._kinds.get(kind)
        if found is None and len(self._kinds) >= MAX_KINDS:
            found = self._kinds.get(_OTHERS)
            kind = _OTHERS
        if found is None:
            self._kinds[kind] = _Kind(self._clock())
            self._say(text)
        else:
            found.on_stall += 1
            found.last = text

    def tick(self) -> None:
        """Says what is due."""
        now = self._clock()
        for kind, found in list(self._kinds.items()):
            if now - found.since < self._period:
                continue
            if found.on_stall:
                self._kinds[kind] = _Kind(now)
                self._say_held_back(found)
            else:
                del self._kinds[kind]

    def close(self) -> None:
        """Says all that was held back."""
        for found in self._kinds.values():
            if found.on_stall:
                self._say_held_back(found)
        self._kinds.clear()

    def _say_held_back(self, found: _Kind) -> None:
        times = "" if found.on_stall == 1 else f" ({found.on_stall} times)"
        self._say(found.last + times)

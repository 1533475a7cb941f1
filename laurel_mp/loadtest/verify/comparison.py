"""Compares truth and output side by side, in bounded memory.

Both are in the order in which events are complete. So an event is searched
among `window` events of the truth before and behind the last one that was found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import orjson

from laurel_mp.loadtest.verify.checks import JsonObject, differences
from laurel_mp.loadtest.verify.order import Order
from laurel_mp.loadtest.verify.truth_reader import TruthReader, key_of
from laurel_mp.loadtest.verify.verdict import Verdict

WINDOW = 100_000


@dataclass(slots=True)
class _Expected:
    """An event of the truth within the window."""

    key: str
    number: int
    has_place: bool
    line: bytes | None
    """Its line of the truth, until it was found."""


def verify(
    truth: TruthReader,
    output: Iterable[bytes],
    *,
    skipped: Collection[str] = (),
    lenient: bool = False,
    window: int = WINDOW,
) -> Verdict:
    """Compares the lines of an output with a truth; `skipped` are kinds of `verdict.KINDS`.

    `lenient` is for LAUREL's output, see `checks.differences`.
    Raises InputError if the truth cannot be used.
    """
    comparison = _Comparison(truth, Verdict(skipped), window, lenient=lenient)
    for number, line in enumerate(output, 1):
        comparison.add(number, line)
    return comparison.end()


class _Comparison:
    def __init__(
        self, truth: TruthReader, verdict: Verdict, window: int, *, lenient: bool = False
    ) -> None:
        self._truth = truth
        self._coming = truth.events()
        self._verdict = verdict
        self._window = window
        self._lenient = lenient
        self._near: dict[str, _Expected] = {}
        self._queue: deque[_Expected] = deque()
        """The same in the order of the truth, without events that may come at any time."""
        self._order = Order()
        self._last = _Expected("", -1, has_place=False, line=None)
        """The last event in the truth of those found that have a place in the order."""
        self._front = -1
        """Highest number of the events found."""

    def add(self, number: int, line: bytes) -> None:
        """Compares the next line of the output."""
        event = _parsed(line)
        if event is None:
            text = line[:80].decode(errors="backslashreplace").rstrip("\n")
            self._verdict.add("unreadable", f"line {number}", found=text)
            return
        if "LAUREL_MP" in event:
            self._verdict.add("loss", event["ID"], found=event["LAUREL_MP"])
            return
        self._verdict.found += 1
        key = key_of(event.get("NODE", ""), event["ID"])
        expected = self._near.get(key) or self._look_ahead(key)
        if expected is None:
            self._verdict.add("unexpected", key)
        elif expected.line is None:
            self._verdict.add("doubled", key)
        else:
            true = self._truth.parsed(expected.line)
            for kind, right, wrong in differences(true, event, lenient=self._lenient):
                self._verdict.add(kind, key, right, wrong)
            self._take(expected)

    def _look_ahead(self, key: str) -> _Expected | None:
        """Returns the event if it comes within the window."""
        while self._verdict.expected <= self._front + self._window:
            expected = self._next()
            if expected is None or expected.key == key:
                return expected
        return None

    def _next(self) -> _Expected | None:
        found = next(self._coming, None)
        if found is None:
            return None
        key, has_place, line = found
        expected = _Expected(key, self._verdict.expected, has_place, line)
        self._verdict.expected += 1
        self._near[key] = expected
        self._queue.append(expected)
        return expected

    def _take(self, found: _Expected) -> None:
        """Notes an event that was found for the first time."""
        found.line = None
        if found.number < self._front - self._window:  # it may come at any time
            del self._near[found.key]
        if found.has_place:
            if self._order.add(found.number):
                self._last = found
            else:
                self._verdict.give("order", found.key, f"before {self._last.key}")
        if found.number > self._front:
            self._front = found.number
            self._forget(found.number - self._window)

    def _forget(self, below: int) -> None:
        """Forgets events further back, except those that may come at any time."""
        queue = self._queue
        while queue and queue[0].number < below:
            expected = queue.popleft()
            if expected.line is None or expected.has_place:
                del self._near[expected.key]
                self._miss(expected)
        if self._order.unsettled > 2 * self._window:  # it costs as much as there are numbers left
            self._order.settle(below)

    def _miss(self, expected: _Expected) -> None:
        if expected.line is not None:
            self._verdict.add("lost", expected.key)

    def end(self) -> Verdict:
        """Counts the missing events, and returns the result."""
        for expected in sorted(self._near.values(), key=lambda each: each.number):
            self._miss(expected)
        self._near.clear()
        for key, _, _ in self._coming:
            self._verdict.expected += 1
            self._verdict.add("lost", key)
        verdict = self._verdict
        if "order" in verdict.counts:
            verdict.counts["order"] = self._order.misplaced
        verdict.announced = self._truth.announced
        return verdict


def _parsed(line: bytes) -> JsonObject | None:
    """Returns an event of the output; None for other lines."""
    try:
        event = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("ID"), str):
        return None
    return event if isinstance(event.get("NODE", ""), str) else None

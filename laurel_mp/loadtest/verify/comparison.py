"""Go through truth and output side by side, in memory that does not grow with them.

Both are in the order in which events are complete. So an event is looked for among those that are
near in the truth: `window` events before and behind the last one that was found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import orjson

from laurel_mp.loadtest.verify.checks import JsonObject, differences
from laurel_mp.loadtest.verify.order import Order
from laurel_mp.loadtest.verify.report import Report
from laurel_mp.loadtest.verify.truth import Truth, key_of

WINDOW = 100_000


@dataclass(slots=True)
class _Expected:
    """An event of the truth that is near."""

    key: str
    number: int
    has_place: bool
    line: bytes | None
    """Its line of the truth, until it was found."""


def verify(
    truth: Truth,
    output: Iterable[bytes],
    *,
    skipped: Collection[str] = (),
    lenient: bool = False,
    window: int = WINDOW,
) -> Report:
    """Compares the lines of an output with a truth; `skipped` are kinds of `report.KINDS`.

    `lenient` is for LAUREL's output, see `checks.differences`.
    Raises InputError if the truth cannot be used.
    """
    comparison = _Comparison(truth, Report(skipped), window, lenient=lenient)
    for number, line in enumerate(output, 1):
        comparison.add(number, line)
    return comparison.end()


class _Comparison:
    def __init__(self, truth: Truth, report: Report, window: int, *, lenient: bool = False) -> None:
        self._truth = truth
        self._coming = truth.events()
        self._report = report
        self._window = window
        self._lenient = lenient
        self._near: dict[str, _Expected] = {}
        self._queue: deque[_Expected] = deque()
        """The same in the order of the truth, without what waits for any length of time."""
        self._order = Order()
        self._last = _Expected("", -1, has_place=False, line=None)
        """Of those found that have a place, the last one in the truth."""
        self._front = -1
        """The highest number of all that were found."""

    def add(self, number: int, line: bytes) -> None:
        """The next line of the output."""
        event = _parsed(line)
        if event is None:
            text = line[:80].decode(errors="backslashreplace").rstrip("\n")
            self._report.add("unreadable", f"line {number}", found=text)
            return
        if "LAUREL_MP" in event:
            self._report.add("loss", event["ID"], found=event["LAUREL_MP"])
            return
        self._report.found += 1
        key = key_of(event.get("NODE", ""), event["ID"])
        expected = self._near.get(key) or self._look_ahead(key)
        if expected is None:
            self._report.add("unexpected", key)
        elif expected.line is None:
            self._report.add("doubled", key)
        else:
            true = self._truth.parsed(expected.line)
            for kind, right, wrong in differences(true, event, lenient=self._lenient):
                self._report.add(kind, key, right, wrong)
            self._take(expected)

    def _look_ahead(self, key: str) -> _Expected | None:
        """The event if it comes soon in the truth."""
        while self._report.expected <= self._front + self._window:
            expected = self._next()
            if expected is None or expected.key == key:
                return expected
        return None

    def _next(self) -> _Expected | None:
        found = next(self._coming, None)
        if found is None:
            return None
        key, has_place, line = found
        expected = _Expected(key, self._report.expected, has_place, line)
        self._report.expected += 1
        self._near[key] = expected
        self._queue.append(expected)
        return expected

    def _take(self, found: _Expected) -> None:
        """One was found for the first time."""
        found.line = None
        if found.number < self._front - self._window:  # nothing but waiting held it here
            del self._near[found.key]
        if found.has_place:
            if self._order.add(found.number):
                self._last = found
            else:
                self._report.give("order", found.key, f"before {self._last.key}")
        if found.number > self._front:
            self._front = found.number
            self._let_go(found.number - self._window)

    def _let_go(self, below: int) -> None:
        """What is further back is not looked for any more, unless it may come at any time."""
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
            self._report.add("lost", expected.key)

    def end(self) -> Report:
        """There is no more output."""
        for expected in sorted(self._near.values(), key=lambda each: each.number):
            self._miss(expected)
        self._near.clear()
        for key, _, _ in self._coming:
            self._report.expected += 1
            self._report.add("lost", key)
        report = self._report
        if "order" in report.counts:
            report.counts["order"] = self._order.misplaced
        report.announced = self._truth.announced
        return report


def _parsed(line: bytes) -> JsonObject | None:
    """An event of the output; None if it is none."""
    try:
        event = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("ID"), str):
        return None
    return event if isinstance(event.get("NODE", ""), str) else None

"""From measures to a recommendation: the same figures always lead to the same settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

ENOUGH = 0.9
"""Part of the highest throughput that counts as equal: runs differ by so much."""

WORTH_LINGERING = 1.1
"""Factor of the least CPU time up to which a linger time counts as equal."""

LATENCY = 0.1
"""Most seconds for the 99th percentile of the latency."""


class Throughput(NamedTuple):
    """A setting, with its figures for input as fast as possible."""

    setting: int
    lines_per_second: float
    cpu: float
    """Microseconds of all processes together for each line."""
    memory: int | None
    """Bytes of all processes together, at most."""


class Waiting(NamedTuple):
    """A linger time, with its figures for slow input."""

    setting: int
    cpu: float
    """Of one core, all processes together: 0.01 is one percent."""
    p50: float
    p99: float
    """Seconds from the arrival of an event to when it was written."""


class Choice(NamedTuple):
    """A recommended setting with the reason."""

    setting: int
    reason: str


def workers(measured: Sequence[Throughput]) -> Choice:
    """Returns the fewest workers with about the highest throughput."""
    best = max(measured, key=_lines)
    found = _least_that_is_enough(measured)
    if found.setting == best.setting:
        return Choice(found.setting, "the most lines per second")
    part = 100 * found.lines_per_second / best.lines_per_second
    return Choice(
        found.setting,
        f"{part:.0f} % of the lines per second of {best.setting}, with fewer processes",
    )


def window(measured: Sequence[Throughput]) -> Choice:
    """Returns the smallest window with about the highest throughput."""
    best = max(measured, key=_lines)
    found = _least_that_is_enough(measured)
    if found.setting == max(each.setting for each in measured):
        return Choice(found.setting, "the most lines per second")
    part = 100 * found.lines_per_second / best.lines_per_second
    return Choice(found.setting, f"{part:.0f} % of the highest throughput; larger ones take memory")


def linger(measured: Sequence[Waiting]) -> Choice:
    """Returns the shortest time with about the least CPU time among those within LATENCY."""
    quick = [each for each in measured if each.p99 <= LATENCY]
    if not quick:
        found = min(measured, key=lambda each: (each.p99, each.setting))
        return Choice(found.setting, f"the lowest latency, but it is {1000 * found.p99:.0f} ms")
    least = min(each.cpu for each in quick)
    found = min(each for each in quick if each.cpu <= least * WORTH_LINGERING)
    return Choice(
        found.setting,
        f"{100 * found.cpu:.1f} % of a core, 99 of 100 events within {1000 * found.p99:.0f} ms",
    )


def _least_that_is_enough(measured: Sequence[Throughput]) -> Throughput:
    best = max(each.lines_per_second for each in measured)
    return min(each for each in measured if each.lines_per_second >= best * ENOUGH)


def _lines(measured: Throughput) -> float:
    return measured.lines_per_second

"""Warnings about figures that prove nothing."""

from __future__ import annotations

from collections.abc import Sequence

from laurel_mp.loadtest.bench.machine import Machine
from laurel_mp.loadtest.bench.summary import BUSY, Spread, Summary

FEWEST_RUNS = 3
"""With fewer runs the spread is unknown."""

SAME = 0.05
"""Spread of ratios that is small enough to call two candidates equal."""

LOADED = 0.5
"""Load average per CPU before the start."""

SHORT = 1.0
"""Seconds: in shorter conversions the start of the interpreter counts for much."""


def is_worthless(ratio: Spread) -> bool:
    """True if a ratio spreads too much to say which candidate is faster.

    That is so if the middle half of the rounds spreads over more than what lies between the median
    and 1, unless it spreads so little that both are about equal.
    """
    distance = abs(ratio.median - 1)
    return ratio.between_quartiles > max(distance, SAME)


def doubts(found: Sequence[Summary], runs: int, machine: Machine, *, starts: bool) -> list[str]:
    """Returns warnings, one line each; `starts` is true if the start of a program counts."""
    first = found[0]
    warnings = []
    if runs < FEWEST_RUNS:
        warnings.append(f"{_times(runs)} of each: the spread of the figures is unknown")
    for summary in found:
        for figure, ratio in summary.ratios.items():
            if is_worthless(ratio):
                warnings.append(
                    f"{figure} of {summary.name} beside {first.name} is worthless: from "
                    f"{ratio.first_quartile:.2f} to {ratio.third_quartile:.2f} of it in the middle "
                    f"half of the rounds, around {ratio.median:.2f}"
                )
    busy = [each.name for each in found if each.figures["others"].median > BUSY]
    if busy:
        most = max(summary.figures["others"].median for summary in found)
        warnings.append(f"others used up to {most:.2f} cores, as a median, beside {_all(busy)}")
    short = [each.name for each in found if starts and each.figures["wall"].median < SHORT]
    if short:
        warnings.append(
            f"less than {SHORT:g} s: much of that is the start of the program, for {_all(short)}; "
            "take more lines"
        )
    if machine.load > LOADED * machine.cpus:
        warnings.append(f"the load average was {machine.load:.2f} before the start")
    return [*warnings, *_unequal(found)]


def _unequal(found: Sequence[Summary]) -> list[str]:
    counts = {summary.name: sorted(summary.events) for summary in found}
    if len({number for numbers in counts.values() for number in numbers}) == 1:
        return []
    said = ", ".join(f"{name} {' or '.join(map(str, each))}" for name, each in counts.items())
    return [f"not the same work, by the lines written: {said}"]


def _all(names: list[str]) -> str:
    return ", ".join(names)


def _times(runs: int) -> str:
    return "one run" if runs == 1 else f"{runs} runs"

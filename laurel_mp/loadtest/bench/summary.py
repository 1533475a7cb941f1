"""Summarises runs: medians, spread, and ratios round by round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from laurel_mp.loadtest.bench.run_measures import Measures
from laurel_mp.loadtest.bench.scaling import Costs, costs_of
from laurel_mp.loadtest.bench.turns import Result


@dataclass(frozen=True, slots=True)
class Spread:
    """Spread of a figure over several runs."""

    median: float
    least: float
    first_quartile: float
    third_quartile: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Returns the spread of at least one value."""
        first = median = third = values[0]
        if len(values) > 1:
            first, median, third = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, min(values), first, third, max(values))

    @property
    def between_quartiles(self) -> float:
        """Width of the middle half."""
        return self.third_quartile - self.first_quartile


FIGURES: dict[str, Callable[[Measures], float | None]] = {
    "wall": lambda run: run.wall,
    "cpu": lambda run: run.cpu,
    "cores": lambda run: run.cpu / run.wall,
    "lines_per_second": lambda run: run.lines_per_second,
    "events_per_second": lambda run: run.events_per_second,
    "memory": lambda run: run.memory,
    "latency_p50": lambda run: run.latency.p50 if run.latency else None,
    "latency_p99": lambda run: run.latency.p99 if run.latency else None,
    "others": lambda run: run.others,
}
"""Figures of a run by name; None if not measured."""

BUSY = 0.15
"""Median of the cores used by others from which on figures are doubtful."""

COMPARED = ("wall", "cpu")
"""Figures that are compared with the first candidate."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a candidate's runs."""

    name: str
    figures: Mapping[str, Spread]
    """By the names of FIGURES, if measured in all runs."""
    ratios: Mapping[str, Spread]
    """By the names of COMPARED: ratios to the first candidate in the same round. Empty for the
    first candidate itself."""
    shares: Mapping[str, float]
    """Part of one core that each process used, as medians."""
    costs: Costs
    events: frozenset[int]
    """Numbers of lines written: one number if all runs did the same work."""


def summaries(result: Result) -> list[Summary]:
    """Returns one for each candidate, in the order of the plan."""
    first = next(iter(result.runs.values()))
    return [
        _summary(name, runs, first if runs is not first else [])
        for name, runs in result.runs.items()
    ]


def _summary(name: str, runs: list[Measures], first: list[Measures]) -> Summary:
    ratios = {}
    for figure in COMPARED if first else ():
        ours, theirs = _values(figure, runs), _values(figure, first)
        ratios[figure] = Spread.of([a / b for a, b in zip(ours, theirs, strict=True)])
    return Summary(
        name,
        {figure: Spread.of(found) for figure in FIGURES if (found := _values(figure, runs))},
        ratios,
        _shares(runs),
        costs_of(runs),
        frozenset(run.events for run in runs),
    )


def _values(figure: str, runs: list[Measures]) -> list[float]:
    """Returns the figure of each run; empty if one run lacks it."""
    found = [FIGURES[figure](run) for run in runs]
    values = [value for value in found if value is not None]
    return values if len(values) == len(found) else []


def _shares(runs: list[Measures]) -> dict[str, float]:
    titles = dict.fromkeys(title for run in runs for title in run.shares)
    return {
        title: statistics.median(run.shares.get(title, 0.0) for run in runs) for title in titles
    }

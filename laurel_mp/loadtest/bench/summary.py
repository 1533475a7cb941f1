"""Medians and spread of the runs, and how candidates compare round by round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from laurel_mp.loadtest.bench.measures import Measures
from laurel_mp.loadtest.bench.scaling import Costs, costs_of
from laurel_mp.loadtest.bench.turns import Result


@dataclass(frozen=True, slots=True)
class Spread:
    """What several runs gave."""

    median: float
    least: float
    first_quartile: float
    third_quartile: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """That of at least one value."""
        first = median = third = values[0]
        if len(values) > 1:
            first, median, third = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, min(values), first, third, max(values))

    @property
    def between_quartiles(self) -> float:
        """Where the middle half lies: how wide that is."""
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
"""What is summed up of each run, by name; None where it was not measured."""

BUSY = 0.15
"""Cores that others use during a run, as a median: with more, the figures are theirs as well."""

COMPARED = ("wall", "cpu")
"""What is set in relation to the first candidate."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A candidate's runs."""

    name: str
    figures: Mapping[str, Spread]
    """By the names of FIGURES, those that were measured in all runs."""
    ratios: Mapping[str, Spread]
    """By the names of COMPARED: this one's figure by the first candidate's, of the same round.
    Empty for the first candidate itself."""
    shares: Mapping[str, float]
    """Medians of what each process used of one core."""
    costs: Costs
    events: frozenset[int]
    """How many lines it wrote: the same number in each run, if all is well."""


def summaries(result: Result) -> list[Summary]:
    """One for each candidate, the one first that the others are compared with."""
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
    """The figure in each run; nothing if it is missing in one."""
    found = [FIGURES[figure](run) for run in runs]
    values = [value for value in found if value is not None]
    return values if len(values) == len(found) else []


def _shares(runs: list[Measures]) -> dict[str, float]:
    titles = dict.fromkeys(title for run in runs for title in run.shares)
    return {
        title: statistics.median(run.shares.get(title, 0.0) for run in runs) for title in titles
    }

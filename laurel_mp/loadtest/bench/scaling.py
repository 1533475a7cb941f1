"""Estimates the throughput with more CPUs from the CPU time per event of each stage: a model.

Ingest, tracker and writer are one process each, workers are as many as needed. So the throughput
is bounded by the busiest single process, by all workers, and by all CPUs together.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from laurel_mp.loadtest.bench.run_measures import Measures

MACHINES = (4, 16, 64)
"""Numbers of CPUs for which a report shows the estimate."""

WORKERS = "workers"
SINGLE = ("ingest", "tracker", "writer")
"""Stages that cannot be divided among processes."""


class Costs(NamedTuple):
    """Microseconds of CPU time per event, by stage; `workers` of them are decoding."""

    workers: int
    stages: Mapping[str, float]
    """All workers together are one stage, `workers`."""


class Bound(NamedTuple):
    """The most that a machine could do."""

    workers: int
    events: float
    """Per second."""
    limit: str
    """A stage, or `CPUs`."""


def costs_of(runs: Sequence[Measures]) -> Costs:
    """Returns medians of the runs; events that a run did not write cost nothing."""
    found = [_stages(run) for run in runs]
    workers = max(sum(_is_worker(title) for title in run.shares) for run in runs)
    names = dict.fromkeys(name for stages in found for name in stages)
    return Costs(
        workers,
        {name: statistics.median(stages.get(name, 0.0) for stages in found) for name in names},
    )


def _stages(run: Measures) -> dict[str, float]:
    stages: dict[str, float] = {}
    for title, share in run.shares.items():
        stage = WORKERS if _is_worker(title) else title
        cost = 1e6 * share * run.wall / run.events if run.events else 0.0
        stages[stage] = stages.get(stage, 0.0) + cost
    return stages


def _is_worker(title: str) -> bool:
    return title.startswith("worker ")


def bound(costs: Costs, cpus: int) -> Bound:
    """Returns the most that `cpus` CPUs could do, each as fast as those that were measured."""
    limits = {stage: costs.stages.get(stage, 0.0) for stage in SINGLE}
    limits[WORKERS] = costs.stages[WORKERS] / costs.workers
    limits["CPUs"] = sum(costs.stages.values()) / cpus
    limit = max(limits, key=limits.__getitem__)
    return Bound(costs.workers, 1e6 / limits[limit], limit)


def best(measured: Sequence[Costs], cpus: int) -> Bound:
    """Returns the bound of the best worker count; more workers than measured cost the same."""
    most = max(measured, key=lambda costs: costs.workers)
    more = [most._replace(workers=workers) for workers in range(most.workers + 1, cpus + 1)]
    return max((bound(costs, cpus) for costs in [*measured, *more]), key=lambda one: one.events)

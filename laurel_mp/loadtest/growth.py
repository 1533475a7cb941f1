"""How fast a machine with more CPUs might be, from what the stages cost here: a model.

The writer, the tracker and ingest are one process each, workers are as many as it takes. So the
throughput is bounded by the busiest single process, by all workers, and by all CPUs together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

EVENTS = 1_000_000
"""Costs are microseconds of one core for an event; that many of them are a second."""


class Costs(NamedTuple):
    """What an event costs with a number of workers, in microseconds of CPU time."""

    workers: int
    ingest: float
    decoding: float
    """All workers together."""
    tracker: float
    writer: float

    @property
    def total(self) -> float:
        """All processes together."""
        return self.ingest + self.decoding + self.tracker + self.writer


class Bound(NamedTuple):
    """What a machine could do at best."""

    workers: int
    events: float
    """A second."""
    limit: str
    """What keeps it from doing more: a process, `workers`, or `CPUs`."""


def bound(costs: Costs, cpus: int) -> Bound:
    """The throughput with `costs` on a machine with so many CPUs, each as fast as these here."""
    limits = {
        "ingest": costs.ingest,
        "tracker": costs.tracker,
        "writer": costs.writer,
        "workers": costs.decoding / costs.workers,
        "CPUs": costs.total / cpus,
    }
    limit = max(limits, key=limits.__getitem__)
    return Bound(costs.workers, EVENTS / limits[limit], limit)


def best(measured: Sequence[Costs], cpus: int) -> Bound:
    """The best worker count for so many CPUs; more workers than were measured cost as those."""
    most = max(measured, key=lambda costs: costs.workers)
    more = [most._replace(workers=workers) for workers in range(most.workers + 1, cpus + 1)]
    return max((bound(costs, cpus) for costs in [*measured, *more]), key=lambda one: one.events)

"""The estimate for machines with more CPUs, from made-up costs."""

import pytest

from laurel_mp.loadtest.bench.run_measures import Measures
from laurel_mp.loadtest.bench.scaling import Bound, Costs, best, bound, costs_of

STAGES = {"ingest": 1.0, "workers": 8.0, "tracker": 2.0, "writer": 0.5}


def costs(workers: int = 2, **stages: float) -> Costs:
    """The costs above, some of them changed."""
    return Costs(workers, STAGES | stages)


@pytest.mark.parametrize(
    ("measured", "cpus", "events", "limit"),
    [
        (costs(), 1, 1e6 / 11.5, "CPUs"),
        (costs(), 64, 250_000, "workers"),
        (costs(8), 64, 500_000, "tracker"),
        (costs(8, ingest=4.0), 64, 250_000, "ingest"),
        (costs(8, writer=10.0), 64, 100_000, "writer"),
    ],
)
def test_the_dearest_process_is_the_limit(
    measured: Costs, cpus: int, events: float, limit: str
) -> None:
    """A single process, all workers, or all CPUs: the one that takes longest."""
    found = bound(measured, cpus)
    assert (found.workers, found.limit) == (measured.workers, limit)
    assert found.events == pytest.approx(events)


def test_as_many_workers_as_help() -> None:
    """More workers than were measured are tried as far as there are CPUs."""
    assert best([costs()], 2) == Bound(2, 2e6 / 11.5, "CPUs")
    assert best([costs()], 16) == Bound(4, 500_000, "tracker")


def test_costs_of_runs() -> None:
    """Workers count together; each figure is the median of the runs."""
    runs = [
        Measures(
            wall, 0.0, 1, 1000, None, {"ingest": 0.1, "worker 1/2": 0.2, "worker 2/2": 0.3}, 0.0
        )
        for wall in (1.0, 2.0, 9.0)
    ]

    found = costs_of(runs)

    assert found.workers == 2
    assert found.stages == pytest.approx({"ingest": 200.0, "workers": 1000.0})


def test_costs_of_an_idle_run() -> None:
    """A run without events has no cost per event."""
    assert costs_of([Measures(1.0, 0.0, 0, 0, None, {"ingest": 0.1}, 0.0)]) == Costs(
        0, {"ingest": 0.0}
    )

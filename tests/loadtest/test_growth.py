"""What a machine could do at best, from made-up costs."""

import pytest

from laurel_mp.loadtest.growth import Bound, Costs, best, bound

COSTS = Costs(workers=2, ingest=1.0, decoding=8.0, tracker=2.0, writer=0.5)


@pytest.mark.parametrize(
    ("costs", "cpus", "events", "limit"),
    [
        (COSTS, 1, 1e6 / 11.5, "CPUs"),
        (COSTS, 64, 250_000, "workers"),
        (COSTS._replace(workers=8), 64, 500_000, "tracker"),
        (COSTS._replace(workers=8, ingest=4.0), 64, 250_000, "ingest"),
        (COSTS._replace(workers=8, writer=10.0), 64, 100_000, "writer"),
    ],
)
def test_the_dearest_process_is_the_limit(
    costs: Costs, cpus: int, events: float, limit: str
) -> None:
    """A single process, all workers, or all CPUs: what takes longest."""
    found = bound(costs, cpus)
    assert (found.workers, found.limit) == (costs.workers, limit)
    assert found.events == pytest.approx(events)


def test_as_many_workers_as_help() -> None:
    """More workers than were measured are tried as far as there are CPUs."""
    assert best([COSTS], 2) == Bound(2, 2e6 / 11.5, "CPUs")
    assert best([COSTS], 16) == Bound(4, 500_000, "tracker")

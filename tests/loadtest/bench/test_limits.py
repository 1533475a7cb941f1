"""Which stage is the limit, and how certain that is."""

import pytest

from laurel_mp.loadtest.bench.limits import ALL_CPUS, NOTHING, Limit, limit_of


@pytest.mark.parametrize(
    ("shares", "cpus", "expected"),
    [
        ({"all in one": 0.98}, 2, Limit("all in one", 0.98, "certain")),
        ({"all in one": 0.8}, 1, Limit("all in one", 0.8, "likely")),
        (
            {"ingest": 0.95, "worker 1/2": 0.5, "worker 2/2": 0.4},
            8,
            Limit("ingest", 0.95, "certain"),
        ),
        ({"ingest": 0.8, "worker 1/1": 0.3}, 8, Limit("ingest", 0.8, "likely")),
        ({"ingest": 0.95, "writer": 0.9}, 8, Limit("ingest", 0.95, "unclear")),
        ({"worker 1/2": 0.96, "worker 2/2": 0.94}, 8, Limit("worker", 0.96, "certain")),
        (
            {"ingest": 0.5, "worker 1/2": 0.7, "worker 2/2": 0.7},
            2,
            Limit(ALL_CPUS, 0.95, "certain"),
        ),
        ({"ingest": 0.3, "worker 1/2": 0.6, "worker 2/2": 0.7}, 2, Limit(ALL_CPUS, 0.8, "likely")),
        ({"ingest": 0.1, "worker 1/1": 0.05}, 2, Limit(NOTHING, 0.1, "likely")),
        ({"ingest": 0.6, "worker 1/1": 0.05}, 2, Limit(NOTHING, 0.6, "unclear")),
        ({}, 2, Limit(NOTHING, 0.0, "unclear")),
    ],
)
def test_limit(shares: dict[str, float], cpus: int, expected: Limit) -> None:
    """The busiest stage, unless the machine or nothing is the limit."""
    found = limit_of(shares, cpus)

    assert (expected.stage, expected.certainty) == (found.stage, found.certainty)
    assert expected.share == pytest.approx(found.share)

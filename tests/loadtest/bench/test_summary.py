"""Medians, spread, and ratios round by round."""

import pytest

from laurel_mp.loadtest.bench.summary import Spread, summaries
from tests.support.benchmarks import measures, result


def test_spread() -> None:
    """The median, the quartiles and the ends."""
    assert Spread(3, 1, 2, 4, 5) == Spread.of([5, 1, 2, 3, 4])
    assert Spread(3, 3, 3, 3, 3) == Spread.of([3])
    assert Spread.of([1, 2, 3, 4, 5]).between_quartiles == 2


def test_ratios_are_of_the_same_round() -> None:
    """A machine that slows down for both changes no ratio."""
    first, second = summaries(
        result({"one": [measures(n) for n in (1, 2, 4)], "two": [measures(n) for n in (2, 4, 8)]})
    )

    assert first.ratios == {}
    assert second.ratios == {"wall": Spread(2, 2, 2, 2, 2), "cpu": Spread(2, 2, 2, 2, 2)}
    assert second.figures["wall"] == Spread(4, 2, 3, 6, 8)
    assert second.figures["lines_per_second"].median == pytest.approx(250)


def test_missing_figures() -> None:
    """A figure that one run lacks is left out."""
    runs = [measures(), measures(memory=None)]
    (summary,) = summaries(result({"one": runs}))

    assert "memory" not in summary.figures
    assert "latency_p99" not in summary.figures
    assert summary.events == {500}


def test_costs() -> None:
    """CPU time per event, by stage."""
    (summary,) = summaries(result({"one": [measures(2.0, events=1000)] * 3}))

    assert summary.costs.stages == pytest.approx({"ingest": 1900.0})

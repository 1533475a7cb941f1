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
        result({"one": [measures(n) for n in (1, 2, 4)], "two": [measures(n) for n in (2, 4, 8)]}),
        cpus=2,
    )

    assert first.ratios == {}
    assert second.ratios == {"wall": Spread(2, 2, 2, 2, 2), "cpu": Spread(2, 2, 2, 2, 2)}
    assert second.figures["wall"] == Spread(4, 2, 3, 6, 8)
    assert second.figures["lines_per_second"].median == pytest.approx(250)


def test_missing_figures() -> None:
    """What was not measured in each run is left out."""
    runs = [measures(), measures(memory=None)]
    (summary,) = summaries(result({"one": runs}), cpus=2)

    assert "memory" not in summary.figures
    assert "latency_p99" not in summary.figures
    assert summary.events == {500}


@pytest.mark.parametrize(("others", "certainty"), [(0.0, "certain"), (0.5, "unclear")])
def test_limit_beside_others(others: float, certainty: str) -> None:
    """Nothing is certain while others use the machine."""
    (summary,) = summaries(result({"one": [measures(others=others)] * 3}), cpus=2)

    assert (summary.limit.stage, summary.limit.certainty) == ("ingest", certainty)

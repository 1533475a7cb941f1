"""Warnings about worthless comparisons and other doubts."""

from dataclasses import replace

import pytest

from laurel_mp.loadtest.bench.doubts import doubts, is_worthless
from laurel_mp.loadtest.bench.run_measures import Measures
from laurel_mp.loadtest.bench.summary import Spread, summaries
from tests.support.benchmarks import MACHINE, measures, result


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([0.5, 0.5, 0.5], False),
        ([0.4, 0.5, 0.6, 0.7], False),
        ([0.5, 0.8, 0.9, 1.4], True),
        ([0.99, 1.0, 1.01], False),  # both are the same, and that is known well
        ([0.7, 1.0, 1.3], True),
        ([1.5, 2.0, 2.5], False),
        ([1.0, 1.2, 1.9], True),
        ([0.9], False),
    ],
)
def test_worthless(ratios: list[float], expected: bool) -> None:
    """The middle half may not be wider than what lies between the median and 1."""
    assert expected == is_worthless(Spread.of(ratios))


def warnings(
    one: list[Measures], two: list[Measures], load: float = 0.1, *, starts: bool = True
) -> list[str]:
    """Returns the warnings about two candidates."""
    found = summaries(result({"one": one, "two": two}))
    return doubts(found, len(one), replace(MACHINE, load=load), starts=starts)


def test_none() -> None:
    """Nothing is said of figures that are sound."""
    assert warnings([measures(2.0)] * 3, [measures(3.0)] * 3) == []


def test_few_runs() -> None:
    """A spread takes several runs."""
    assert warnings([measures()], [measures()]) == [
        "one run of each: the spread of the figures is unknown"
    ]


def test_spread() -> None:
    """A comparison that says nothing is called so, with the figures."""
    two = [measures(wall) for wall in (1.4, 2.0, 2.6)]

    assert warnings([measures(2.0)] * 3, two) == [
        f"{figure} of two beside one is worthless: from 0.85 to 1.15 of it in the middle half of "
        "the rounds, around 1.00"
        for figure in ("wall", "cpu")
    ]


def test_others() -> None:
    """Use of the machine by others is reported once."""
    assert warnings([measures(others=0.5)] * 3, [measures(others=0.4)] * 3, load=1.5) == [
        "others used up to 0.50 cores, as a median, beside one, two",
        "the load average was 1.50 before the start",
    ]


def test_short() -> None:
    """Conversions that are hardly more than a start are no measure; live, no start is measured."""
    runs = [measures(0.5)] * 3

    assert warnings(runs, runs, starts=False) == []
    (warning,) = warnings(runs, runs)
    assert warning.endswith("for one, two; take more lines")


def test_other_work() -> None:
    """A candidate that writes another number of events has done other work."""
    assert warnings([measures(events=5)] * 3, [measures(events=6)] * 3) == [
        "not the same work, by the lines written: one 5, two 6"
    ]

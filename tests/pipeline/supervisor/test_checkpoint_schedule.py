"""When there is a checkpoint."""

import pytest

from laurel_mp.pipeline.supervisor import checkpoint_schedule
from laurel_mp.pipeline.supervisor.checkpoint_schedule import (
    BUSY,
    CHECKPOINT_SECONDS,
    LONGEST_PERIOD,
    QUIET,
    WORTH_A_SECOND,
    Schedule,
)

MOST = 1000
"""Bytes that may be kept."""


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def monotonic(self) -> float:
        """In place of that of `time`."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of the schedule."""
    clock = Clock()
    monkeypatch.setattr(checkpoint_schedule, "time", clock)
    return clock


def test_by_bytes(clock: Clock) -> None:
    """A quarter of what may be kept is enough, until checkpoints are known to cost something."""
    plan = Schedule()
    assert [plan.keep(100, MOST) for _ in range(3)] == [False, False, True]
    plan.begin()
    assert not plan.keep(100, MOST)

    plan.made(WORTH_A_SECOND)
    assert [plan.keep(100, MOST) for _ in range(7)] == [False] * 6 + [True]
    plan.begin()
    clock.now += 1.0
    assert [plan.keep(100, MOST) for _ in range(3)] == [False, False, True]


def test_by_time(clock: Clock) -> None:
    """A second, or more if it is a large one: less while it is quiet."""
    plan = Schedule()
    plan.keep(1, MOST)
    assert plan.left(is_covered=False) == CHECKPOINT_SECONDS
    clock.now += CHECKPOINT_SECONDS
    assert plan.left(is_covered=False) == 0.0
    assert plan.keep(1, MOST)
    plan.begin()

    plan.made(WORTH_A_SECOND // 10)
    assert plan.period == pytest.approx(BUSY / 10)
    assert plan.left(is_covered=True) == CHECKPOINT_SECONDS
    clock.now += CHECKPOINT_SECONDS
    assert plan.period == pytest.approx(max(QUIET / 10, CHECKPOINT_SECONDS))
    assert plan.left(is_covered=False) == pytest.approx(0.0)


def test_a_huge_one(clock: Clock) -> None:
    """It is made now and then, whatever it costs; and who waits asks again each second."""
    plan = Schedule()
    plan.made(100 * WORTH_A_SECOND)
    plan.keep(1, MOST)
    plan.begin()

    assert plan.period == LONGEST_PERIOD
    assert plan.left(is_covered=False) == CHECKPOINT_SECONDS
    clock.now += LONGEST_PERIOD
    assert plan.left(is_covered=False) == 0.0

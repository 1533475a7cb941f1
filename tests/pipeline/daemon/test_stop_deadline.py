"""The time at which a run that ends leaves the rest to the next run."""

from laurel_mp.pipeline.daemon.stop_deadline import StopDeadline
from tests.support.clock import Clock


def test_a_stop_signal() -> None:
    """The first one counts, whatever the output does."""
    clock = Clock()
    deadline = StopDeadline(lambda: clock.now)

    assert (deadline.is_set, deadline.left) == (False, None)

    deadline.set(5.0)
    clock.now += 3.0
    deadline.set(5.0)

    assert (deadline.is_set, deadline.left) == (True, 2.0)
    assert not deadline.is_over(1.0, last_stall=True)

    clock.now += 2.0

    assert deadline.is_over(1.0, last_stall=False)


def test_a_stall_at_the_end() -> None:
    """It ends the run after the time-out, unless the output resumes meanwhile."""
    clock = Clock()
    deadline = StopDeadline(lambda: clock.now)

    assert not deadline.is_over(5.0, last_stall=True)

    clock.now += 4.0

    assert not deadline.is_over(5.0, last_stall=False)
    assert not deadline.is_over(5.0, last_stall=True)

    clock.now += 4.0

    assert not deadline.is_over(5.0, last_stall=True)

    clock.now += 1.0

    assert deadline.is_over(5.0, last_stall=True)

"""The timer wakes the reading thread unless it is disarmed before."""

import select
import threading
from collections.abc import Iterator

import pytest

from laurel_mp.system.timer_fd import TimerFd
from tests.support.waiting import wait_until


@pytest.fixture
def guard() -> Iterator[TimerFd]:
    """A timer that is not armed."""
    found = TimerFd()
    yield found
    found.close()


def waits(guard: TimerFd) -> threading.Thread:
    """A thread that ends when the timer wakes it."""
    thread = threading.Thread(target=guard.wait, daemon=True)
    thread.start()
    return thread


def test_wakes(guard: TimerFd) -> None:
    """`wait` returns when the time has passed, whether it was called before or after."""
    guard.arm(0.01)
    thread = waits(guard)
    wait_until(lambda: not thread.is_alive(), "it is woken")
    thread = waits(guard)
    guard.arm()
    wait_until(lambda: not thread.is_alive(), "it is woken again")


def test_disarmed(guard: TimerFd) -> None:
    """A disarmed timer wakes no thread until it is armed again."""
    guard.arm(0.02)
    guard.disarm()
    assert not select.select([guard._fd], [], [], 0.1)[0]
    thread = waits(guard)
    guard.arm(0.02)
    wait_until(lambda: not thread.is_alive(), "it is woken")


def test_close_twice(guard: TimerFd) -> None:
    """Closing again does no harm."""
    guard.close()
    guard.close()

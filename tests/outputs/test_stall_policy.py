"""Waiting, and what is said about it."""

import logging
import time

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs import stall_policy as module
from laurel_mp.outputs.stall_policy import Backoff, StallPolicy
from tests.support.outputs import Waiting


class Clock:
    """A clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the code under test."""
    return Clock(monkeypatch)


def test_messages(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """One message when an output stalls, one a minute then, and one when it resumes."""
    caplog.set_level(logging.INFO)
    patience = StallPolicy("audit.log", Waiting())
    patience.moved()
    for _ in range(75):
        patience.fail(OSError(28, "No space left on device"))
        clock.now += 1
    patience.moved()
    patience.moved()

    assert caplog.messages == [
        "audit.log: output stalled: No space left on device",
        "audit.log: output stalled for 61 s: No space left on device",
        "audit.log: output resumed after 75 s",
    ]


def test_a_short_wait_is_not_worth_a_message(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader that is slow for a moment is nothing to talk about."""
    caplog.set_level(logging.INFO)
    patience = StallPolicy("pipe", Waiting())
    for _ in range(10):
        patience.wait(0.0, "slow")
        clock.now += 0.9
        patience.moved()

    assert caplog.messages == []


def test_frequent_stalls_are_logged_once_a_minute(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """An output that resumes and stalls again does not fill the log."""
    caplog.set_level(logging.INFO)
    patience = StallPolicy("pipe", Waiting())
    for _ in range(10):
        patience.wait(0.0, "slow")
        clock.now += 2
        patience.wait(0.0, "slow")
        patience.moved()

    assert caplog.messages == ["pipe: output stalled: slow", "pipe: output resumed after 2 s"]


def test_told_in_time(clock: Clock) -> None:
    """A waiting writer is notified at least twice a second."""
    waiting = Waiting()
    patience = StallPolicy("pipe", waiting)
    patience.start()
    for _ in range(11):
        patience.wait(0.0, "slow")
        clock.now += 0.1

    assert waiting.reasons == ["pipe: slow"] * 5


def test_a_wait_is_short() -> None:
    """However long one wants to wait, others are told in between."""
    patience = StallPolicy("pipe", Waiting())

    assert not patience.wait(1000.0, "slow")
    assert module.LOOK <= 0.25


def test_impatience() -> None:
    """A failure is an error without patience; slowness is not."""
    patience = StallPolicy("audit.log")
    assert not patience.wait(0.0, "slow")
    with pytest.raises(OutputError, match=r"audit\.log: cannot be written: Disk quota exceeded"):
        patience.fail(OSError(122, "Disk quota exceeded"))


def test_backoff(clock: Clock) -> None:
    """The first retry is due at once, the others later and later, up to a limit."""
    backoff = Backoff(0.1, 1.0)
    found = []
    for _ in range(7):
        backoff.failed()
        found.append(round(backoff.remaining, 3))
    clock.now += 0.6
    left = backoff.remaining
    backoff.reset()
    backoff.failed()

    assert found == [0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert left == pytest.approx(0.4)
    assert backoff.remaining == 0.0

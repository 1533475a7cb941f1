"""Messages that could come often are said seldom."""

import pytest

from laurel_mp.observe import seldom
from laurel_mp.observe.seldom import Seldom


class Log:
    """What was said, with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.said: list[str] = []
        self.seldom = Seldom(self.said.append, period=60, clock=lambda: self.now)


@pytest.fixture
def log() -> Log:
    """A log that is empty."""
    return Log()


def test_first(log: Log) -> None:
    """The first message of each kind is said at once."""
    log.seldom.say("a", "one")
    log.seldom.say("b", "two")

    assert log.said == ["one", "two"]


def test_held_back(log: Log) -> None:
    """Those that follow are counted, and said by themselves when the period is over."""
    for number in range(4):
        log.seldom.say("a", f"message {number}")
    log.now += 59
    log.seldom.tick()
    assert log.said == ["message 0"]
    log.now += 1
    log.seldom.tick()
    assert log.said == ["message 0", "message 3 (3 times)"]


def test_once_per_period(log: Log) -> None:
    """A kind that goes on and on is said once per period."""
    for _ in range(600):
        log.seldom.say("a", "again")
        log.now += 1

    assert len(log.said) == 10


def test_one_held_back(log: Log) -> None:
    """A single one that was held back is said as it is."""
    log.seldom.say("a", "one")
    log.seldom.say("a", "two")
    log.now += 60
    log.seldom.tick()

    assert log.said == ["one", "two"]


def test_quiet(log: Log) -> None:
    """After a quiet period a message is said at once again."""
    for _ in range(2):
        log.seldom.say("a", "one")
        log.now += 60

    assert log.said == ["one", "one"]


def test_close(log: Log) -> None:
    """At the end nothing is held back."""
    log.seldom.say("a", "one")
    log.seldom.say("a", "two")
    log.seldom.close()
    log.seldom.close()

    assert log.said == ["one", "two"]


def test_many_kinds(log: Log) -> None:
    """Kinds without end do not take memory without end, nor fill the log."""
    for number in range(1000):
        log.seldom.say(f"kind {number}", f"message {number}")

    assert len(log.said) == seldom.MAX_KINDS + 1
    log.seldom.close()
    assert log.said[-1] == f"message 999 ({1000 - seldom.MAX_KINDS - 1} times)"

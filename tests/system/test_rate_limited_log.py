"""A condition that persists fills no log."""

import logging
import time

import pytest

from laurel_mp.system.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)


def test_one_message_per_period(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first message is logged at once, the next one not before the period is over."""
    limited = RateLimitedLog(log)
    logged = []
    for now in (1000, 1031, 1060, 1091):
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        logged.append(limited.warning("disk %s", now))

    assert logged == [True, False, True, False]
    assert caplog.messages == ["disk 1000", "disk 1060"]


def test_levels(caplog: pytest.LogCaptureFixture) -> None:
    """Each method logs at its own level."""
    caplog.set_level(logging.INFO)
    RateLimitedLog(log).log(logging.INFO, "a")
    RateLimitedLog(log).warning("b")
    RateLimitedLog(log).error("c")

    assert [record.levelno for record in caplog.records] == [
        logging.INFO,
        logging.WARNING,
        logging.ERROR,
    ]


def test_two_logs_do_not_share_a_period(caplog: pytest.LogCaptureFixture) -> None:
    """Each object limits its own condition only."""
    RateLimitedLog(log).warning("a")
    RateLimitedLog(log).warning("b")

    assert caplog.messages == ["a", "b"]

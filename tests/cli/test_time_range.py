"""Times of `convert --since` and `--until`."""

import random
import re
from datetime import datetime

import pytest

from laurel_mp.cli.time_range import join_times, outside_pattern, parse_time

NOW = datetime(2026, 12, 2, 12, 34, 56, 789)  # noqa: DTZ001 - a Wednesday, local time


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("now", "2026-12-02T12:34:56", "2026-12-02T12:34:56"),
        ("recent", "2026-12-02T12:24:56", "2026-12-02T12:24:56"),
        ("this-hour", "2026-12-02T12:00:00", "2026-12-02T12:00:00"),
        ("today", "2026-12-02T00:00:00", "2026-12-02T12:34:56"),
        ("yesterday", "2026-12-01T00:00:00", "2026-12-01T00:00:00"),
        ("this-week", "2026-11-29T00:00:00", "2026-11-29T00:00:00"),
        ("week-ago", "2026-11-25T00:00:00", "2026-11-25T00:00:00"),
        ("this-month", "2026-12-01T00:00:00", "2026-12-01T00:00:00"),
        ("this-year", "2026-01-01T00:00:00", "2026-01-01T00:00:00"),
        ("18:00", "2026-12-02T18:00:00", "2026-12-02T18:00:00"),
        ("11/30/2026", "2026-11-30T00:00:00", "2026-11-30T23:59:59"),
        ("11/30/26 8:00:01", "2026-11-30T08:00:01", "2026-11-30T08:00:01"),
        ("2026-11-30", "2026-11-30T00:00:00", "2026-11-30T23:59:59"),
        ("2026-11-30 18:00", "2026-11-30T18:00:00", "2026-11-30T18:00:00"),
        ("2026-11-30T18:00:00", "2026-11-30T18:00:00", "2026-11-30T18:00:00"),
    ],
)
def test_times(text: str, begin: str, end: str) -> None:
    """Times are local, without an offset; a date ends with its last second."""
    for is_end, expected in ((False, begin), (True, end)):
        seconds = int(datetime.fromisoformat(expected).timestamp())
        assert seconds == parse_time(text, NOW, is_end=is_end)


def test_absolute_times() -> None:
    """An offset and seconds since the epoch do not depend on the time zone."""
    assert parse_time("@17", NOW, is_end=False) == 17
    assert parse_time("1970-01-01T01:00:05+01:00", NOW, is_end=False) == 5
    assert parse_time("1970-01-01T00:00:05Z", NOW, is_end=False) == 5


def test_pattern() -> None:
    """The expression matches exactly the lines outside of the range."""
    chance = random.Random(1)
    for limit in (0, 1, 9, 10, 11, 90, 99, 100, 909, 1000, 1_495_724_300, 999_999_999_999):
        near = [chance.randrange(3 * limit + 10) for _ in range(200)]
        for number in {*range(1200), *near, max(limit - 1, 0), limit, limit + 1}:
            if number >= 10**12:
                continue
            line = f"node=a type=X msg=audit({number}.000:1): audit(0.000:1)"
            for since, until in ((limit, None), (None, limit), (limit, limit)):
                pattern = outside_pattern(since, until)
                is_outside = bool(pattern and re.search(pattern, line))
                expected = (since is not None and number < since) or (
                    until is not None and number > until
                )
                assert expected == is_outside, (limit, number)


def test_two_words() -> None:
    """Date and time may be two words, as with ausearch."""
    words = ["--since", "11/30/2026", "18:00", "--until", "18:00", "19:00", "file"]

    expected = ["--since", "11/30/2026 18:00", "--until", "18:00", "19:00", "file"]
    assert expected == join_times(words)

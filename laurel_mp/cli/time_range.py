"""Times of `--since` and `--until`, as ausearch(8) takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta

_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})")
_END_OF_DAY = time(23, 59, 59)
MAX_DIGITS = 12
"""Digits of the seconds of an event id, at most."""


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0)


KEYWORDS: dict[str, Callable[[datetime], datetime]] = {
    "now": lambda now: now,
    "recent": lambda now: now - timedelta(minutes=10),
    "this-hour": lambda now: now.replace(minute=0, second=0),
    "today": _midnight,
    "yesterday": lambda now: _midnight(now) - timedelta(days=1),
    # A week begins on a Sunday, as tm_wday does.
    "this-week": lambda now: _midnight(now) - timedelta(days=now.isoweekday() % 7),
    "week-ago": lambda now: _midnight(now) - timedelta(days=7),
    "this-month": lambda now: _midnight(now).replace(day=1),
    "this-year": lambda now: _midnight(now).replace(day=1, month=1),
}


def parse_time(text: str, now: datetime, *, is_end: bool) -> int:
    """Returns seconds since the epoch; raises ValueError.

    `now` is a local time. A date without a time begins or, for an end, ends that day.
    """
    now = now.replace(microsecond=0)
    if text in KEYWORDS:
        # As the end of a range, `today` is now.
        found = now if is_end and text == "today" else KEYWORDS[text](now)
    elif text.startswith("@"):
        return _seconds(text[1:])
    elif _CLOCK.fullmatch(text):
        found = datetime.combine(now.date(), _clock(text))
    else:
        found = _date_time(text, is_end=is_end)
    seconds = int(found.timestamp())
    if not 0 <= seconds < 10**MAX_DIGITS:
        raise ValueError(text)
    return seconds


def _seconds(text: str) -> int:
    if not re.fullmatch(rf"[0-9]{{1,{MAX_DIGITS}}}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _date_time(text: str, *, is_end: bool) -> datetime:
    day, _, clock = text.replace("T", " ", 1).strip().partition(" ")
    match = _DATE.fullmatch(day)
    if match is None:
        if not clock:
            return datetime.combine(date.fromisoformat(day), _END_OF_DAY if is_end else time())
        return datetime.fromisoformat(text)
    month, day_of_month, year = (int(each) for each in match.groups())
    whole_year = year if len(match[3]) == 4 else 2000 + year
    default = _END_OF_DAY if is_end else time()
    return datetime.combine(
        date(whole_year, month, day_of_month), _clock(clock) if clock else default
    )


def _clock(text: str) -> time:
    if not _CLOCK.fullmatch(text):
        raise ValueError(text)
    hour, minute, second, *_ = map(int, f"{text}:0".split(":"))
    return time(hour, minute, second)


def join_times(words: Sequence[str]) -> list[str]:
    """Joins date and time behind an option, which ausearch takes as two words."""
    joined: list[str] = []
    for word in words:
        if (
            len(joined) > 1
            and joined[-2] in ("--since", "--until")
            and _CLOCK.fullmatch(word)
            and ":" not in joined[-1]
        ):
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined


def outside_pattern(since: int | None, until: int | None) -> str:
    """Returns an expression for lines with a time stamp before `since` or after `until`.

    It is empty if there can be none.
    """
    seconds = []
    if since is not None:
        seconds += _below(str(since))
    if until is not None:
        seconds += _above(str(until))
    times = "|".join(seconds)
    if not times:
        return ""
    return rf"^(?:node= *[^ ]* +)?type=[^ ]* +msg=audit\(0*(?:{times})\."


def _below(number: str) -> list[str]:
    found = [f"[0-9]{{1,{len(number) - 1}}}"] if len(number) > 1 else []
    for index, digit in enumerate(number):
        if digit > ("1" if index == 0 and len(number) > 1 else "0"):
            rest = len(number) - index - 1
            lowest = "1" if index == 0 and rest else "0"
            found.append(f"{number[:index]}[{lowest}-{int(digit) - 1}][0-9]{{{rest}}}")
    return found


def _above(number: str) -> list[str]:
    found = []
    if len(number) < MAX_DIGITS:
        found.append(f"[1-9][0-9]{{{len(number)},{MAX_DIGITS - 1}}}")
    for index, digit in enumerate(number):
        if digit < "9":
            rest = len(number) - index - 1
            found.append(f"{number[:index]}[{int(digit) + 1}-9][0-9]{{{rest}}}")
    return found

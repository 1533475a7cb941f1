"""Lines on which a worker crashes each time: they are set aside, and the rest is processed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.chaos import outcome
from tests.chaos.feed import check, feeding, same
from tests.chaos.offline import Expected
from tests.chaos.poisoned import MARK
from tests.chaos.settings import Settings
from tests.chaos.stream import SECOND

SCRIPT = [sys.executable, str(Path(__file__).with_name("poisoned.py"))]

RATE = 2e6

FIRST = 900_001
"""A serial that the stream does not have."""


def poisonous_lines(expected: Expected, directory: Path, workers: int, count: int = 3) -> None:
    """Records on which each process that sees them crashes."""
    lines = [_record("USER_CMD", FIRST + number) for number in range(count)]
    _run(expected, directory, workers, "lines", [[line] for line in lines])


def poisonous_events(expected: Expected, directory: Path, workers: int, count: int = 3) -> None:
    """Events with which all is well until they are complete, seconds later."""
    serials = range(FIRST, FIRST + count)
    events = [[_record("CWD", serial), _record("EOE", serial)] for serial in serials]
    _run(expected, directory, workers, "events", events)


def _record(kind: str, serial: int) -> bytes:
    body = "" if kind == "EOE" else f"pid=1 cwd=\"{MARK.decode()}\" msg='op=x'"
    return f"node=far type={kind} msg=audit({SECOND}.500:{serial}): {body}\n".encode()


def _run(
    expected: Expected, directory: Path, workers: int, how: str, poison: list[list[bytes]]
) -> None:
    """The lines of each event stand three quarters of the stream apart, if there are several."""
    lines = expected.stream.splitlines(keepends=True)
    for number, event in enumerate(poison, 1):
        for part, line in enumerate(event):
            place = len(lines) * number // (5 * len(poison)) + len(lines) * 3 // 4 * part
            lines.insert(place, line)
    settings = Settings(directory, workers)
    with feeding(settings, b"".join(lines), RATE, [*SCRIPT, how]) as (feed, ours):
        feed.finish(ours)
        check(expected, directory, without=["malformed.log"])
        aside = [line for event in poison for line in event]
        wanted = sorted([*expected.malformed.splitlines(keepends=True), *aside])
        found = sorted(outcome.written(directory / "malformed.log").splitlines(keepends=True))
        same("malformed.log, sorted", b"".join(wanted), b"".join(found))

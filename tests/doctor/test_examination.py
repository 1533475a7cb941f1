"""All checks are made, whatever one of them does."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from laurel_mp.doctor.catalogue import CHECKS
from laurel_mp.doctor.examination import examine
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Look, Result, Severity, Unchecked, note, problem
from laurel_mp.doctor.host import UnknownError
from tests.support.hosts import GOOD, auditd_3


def _says(facts: Facts) -> Iterator[Result]:
    yield problem("here", "this", "It hurts.", "do that")
    yield note("there", "that", "It costs.", "leave it")


def _hangs(facts: Facts) -> Iterator[Result]:
    yield note("here", "before", "It costs.")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def _crashes(facts: Facts) -> Iterator[Result]:
    yield note("here", "before", "It costs.")
    os.kill(os.getpid(), signal.SIGKILL)


def _fails(facts: Facts) -> Iterator[Result]:
    yield note("here", "before", "It costs.")
    raise ZeroDivisionError("no\nnumber")


def _knows_nothing(facts: Facts) -> Iterator[Result]:
    yield from ()
    raise UnknownError("/x: Permission denied")


def _talks(facts: Facts) -> Iterator[Result]:
    yield Unchecked("x" * 1_000_000)
    yield Unchecked("x" * 1_000_000)
    yield problem("é", "\x1b\udc80", "It hurts.")


def _checks(*looks: Look) -> list[Check]:
    return [Check(f"c{number}", "good", look) for number, look in enumerate(looks)]


def test_results_come_in_order(tmp_path: Path) -> None:
    """Results of checks arrive unchanged, by the name of the check."""
    report = examine(auditd_3(tmp_path).facts(), _checks(_knows_nothing, _says))

    assert report.unchecked == [("c0", "/x: Permission denied")]
    assert [(check, finding.seen, finding.do) for check, finding in report.findings] == [
        ("c1", "this", ("do that",)),
        ("c1", "that", ("leave it",)),
    ]
    assert report.has_problems
    assert report.count(Severity.NOTE) == 1


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        (_hangs, "no result after 0 s"),
        (_crashes, "the check crashed"),
        (_fails, "internal error: ZeroDivisionError: no\nnumber"),
    ],
)
def test_others_are_made(look: Look, reason: str, tmp_path: Path) -> None:
    """A check that hangs, crashes or fails keeps no other from being made, nor what it had said."""
    report = examine(auditd_3(tmp_path).facts(), _checks(_says, look, _says), deadline=0.3)

    assert [check for check, _ in report.findings] == ["c0", "c0", "c1", "c2", "c2"]
    assert [check for check, _ in report.unchecked] == ["c1"]
    assert report.unchecked[0][1].startswith(reason)


def test_all_of_them_can_hang(tmp_path: Path) -> None:
    """There is an end to all of them together."""
    start = time.monotonic()

    report = examine(auditd_3(tmp_path).facts(), _checks(*[_hangs] * 50), deadline=0.2, total=0.5)

    assert time.monotonic() - start < 10
    assert len(report.unchecked) == 50
    assert report.unchecked[-1] == ("c49", "no time left after 0.5 s")


def test_long_and_odd_texts_arrive(tmp_path: Path) -> None:
    """More than a pipe holds, and text that is no UTF-8; what is said twice is told once."""
    report = examine(auditd_3(tmp_path).facts(), _checks(_talks))

    assert [len(reason) for _, reason in report.unchecked] == [1_000_000]
    assert [finding.seen for _, finding in report.findings] == ["\x1b\udc80"]


@pytest.mark.parametrize("layout", GOOD)
def test_a_good_host(layout: str, tmp_path: Path) -> None:
    """The whole of it finds nothing where each part does."""
    report = examine(GOOD[layout](tmp_path).facts())

    assert len(CHECKS) == report.checks
    assert (report.findings, report.unchecked) == ([], [])


def test_nothing_is_changed(tmp_path: Path) -> None:
    """Looking leaves everything as it is."""

    def state() -> dict[str, tuple[int, int, int]]:
        found = {}
        for path in tmp_path.rglob("*"):
            status = path.lstat()
            found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
        return found

    host = auditd_3(tmp_path)
    before = state()

    examine(host.facts())

    assert before == state()

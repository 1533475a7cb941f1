"""Tests of the chaos tests: their stream, plan and comparison."""

import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

from tests.chaos import outcome
from tests.chaos.disturbances import CHILDREN, Kill, Planned, Reload, plan
from tests.chaos.offline import Expected
from tests.chaos.stream import make

ONE = b"a\nb\nc\nd\n"


def test_stream_is_foreign(expected: Expected) -> None:
    """Every valid line is of another host, and of one second for each round."""
    headers = re.findall(
        rb"(?m)^(node=[^ ]+ )?type=[A-Z]\S* msg=audit\((\d+)\.\d+:\d+\):", expected.stream
    )
    assert all(node for node, _ in headers)
    assert {second for _, second in headers} == {b"1700000000"}
    two = make(2 * expected.stream.count(b"\n"), 20)
    assert len(two) > 1.9 * len(expected.stream)
    assert {b"1700000000", b"1700000001"} == set(
        re.findall(rb"(?m)^node=\S+ type=EOE msg=audit\((\d+)", two)
    )


def test_stream_has_disorder(expected: Expected) -> None:
    """It has what makes recovery hard: overlapping, repeated, endless events, labels, filters."""
    lines = expected.stream.splitlines()
    ids = [
        match[1]
        for line in lines
        if (match := re.match(rb"node=\S+ type=\S+ msg=audit\(([^)]+)", line))
    ]
    turns = sum(one != other for one, other in pairwise(ids))
    assert turns > 1.2 * len(set(ids))
    assert b'"no-eoe"' in expected.events
    assert b'"LABELS":["software_mgmt"' in expected.events
    assert expected.filtered.count(b"\n") > 1000
    assert expected.malformed.count(b"\n") > 100
    ends = Counter(line for line in lines if b" type=EOE " in line)
    assert ends.most_common(1)[0][1] > 1


def test_progress(expected: Expected) -> None:
    """The size of the output at a position in the stream follows from its EOE records."""
    assert expected.size_at(0) == 0
    assert 0.3 < expected.size_at(len(expected.stream) // 2) / len(expected.events) < 0.7
    assert expected.size_at(len(expected.stream)) == len(expected.events)


def test_plan() -> None:
    """A seed decides all; no two are at one place; every role is killed before any is again."""
    one, other = (plan(100, 10_000_000, random.Random(7), (1, 2)) for _ in range(2))
    assert one == other
    places = [planned.position for planned in one]
    assert places == sorted(set(places))
    first = [planned.what for planned in one[:18]]
    killed = {what.roles[0] for what in first if isinstance(what, Kill) and len(what.roles) == 1}
    assert killed == set(CHILDREN)
    assert any(isinstance(what, Reload) for what in first)
    assert isinstance(one[0], Planned)


def test_differences_are_told() -> None:
    """Missing, doubled, foreign and misplaced lines are reported, with the first position."""
    assert outcome.difference(ONE, ONE) is None
    cases = {
        b"a\nc\nd\n": ("1 lines are missing, 0 are there again, 0 should", "line 2 (of 5, 4)"),
        b"a\nb\nb\nc\nd\n": ("0 lines are missing, 1 are there again, 0 should", "line 3 "),
        b"a\nb\nx\nc\nd\n": ("0 lines are missing, 0 are there again, 1 should", "line 3 "),
        b"a\nc\nb\nd\n": ("the order is another", "line 2 "),
    }
    for found, (what, where) in cases.items():
        told = outcome.difference(ONE, found)
        assert told
        assert what in told
        assert where in told


def test_generations(tmp_path: Path) -> None:
    """Rotated files are put together by age, ten after nine; other files do not count."""
    log = tmp_path / "audit.log"
    for number in range(1, 12):
        (tmp_path / f"audit.log.{number}").write_text(f"{number}\n")
    log.write_text("now\n")
    (tmp_path / "audit.log.tmp").write_text("x")
    assert outcome.written(log).split() == [str(n).encode() for n in range(11, 0, -1)] + [b"now"]
    assert outcome.size(log) == len(outcome.written(log))

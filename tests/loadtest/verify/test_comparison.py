"""Outputs that are wrong in a known way: each is found, with its number."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from laurel_mp.errors import InputError
from laurel_mp.loadtest.verify import Verdict, verify
from laurel_mp.loadtest.verify.truth_reader import TruthReader

COUNT = 1000

Lines = list[bytes]


def truth_lines(count: int = COUNT, end: Callable[[int], str] = lambda _number: "eoe") -> Lines:
    """A truth of events of one process."""
    header = {"truth": 1, "options": {"events": count}}
    events: list[object] = [
        {
            "id": f"1.000:{number}", "kind": "open", "lines": 3, "end": end(number),
            "pid": 10, "ppid": 9, "comm": "id", "exe": "/bin/id", "self": "1.000:0",
            "parent": None, "spawned_by": None, "labels": [],
        }
        for number in range(count)
    ]  # fmt: skip
    return [json.dumps(line).encode() for line in (header, *events)]


def event(number: int, **more: Any) -> bytes:
    """The output of one of them."""
    call = {"pid": 10, "ppid": 9, "comm": "id", "exe": "/bin/id", "PID": {"EVENT_ID": "1.000:0"}}
    return json.dumps({"ID": f"1.000:{number}", "SYSCALL": call, **more}).encode()


def compared(output: Lines, truth: Lines | None = None, **how: Any) -> Verdict:
    """The result for an output."""
    return verify(TruthReader("truth", truth_lines() if truth is None else truth), output, **how)


def wrong(report: Verdict) -> dict[str, int]:
    """Returns the counts above 0."""
    return {kind: number for kind, number in report.counts.items() if number}


@pytest.fixture
def output() -> Lines:
    """An output that is right."""
    return [event(number) for number in range(COUNT)]


def test_a_loss_is_claimed(output: Lines) -> None:
    """A line that says that events are missing is wrong, and no event."""
    output.insert(5, b'{"ID":"1.000:7","LAUREL_MP":{"op":"loss","count":3}}')
    report = compared(output)

    assert wrong(report) == {"loss": 1}
    assert report.found == COUNT


def test_all_is_right(output: Lines) -> None:
    """Nothing is found where nothing is wrong."""
    report = compared(output)

    assert (
        report.expected, report.found, wrong(report), report.right
    ) == (COUNT, COUNT, {}, True)  # fmt: skip
    assert not report.cut


def test_lost(output: Lines) -> None:
    """Events that never come: the first, some, and the last ones."""
    del output[990:], output[500], output[0]

    report = compared(output)

    assert wrong(report) == {"lost": 12}
    assert [example.id for example in report.examples["lost"][:3]] == [
        "1.000:0",
        "1.000:500",
        "1.000:990",
    ]
    assert (report.expected, report.found) == (COUNT, COUNT - 12)


def test_lost_without_any_output() -> None:
    """All of them."""
    assert wrong(compared([])) == {"lost": COUNT}


def test_doubled(output: Lines) -> None:
    """Each time counts that an event comes again, at once or later."""
    output[700:700] = [output[100], output[100], output[699]]

    report = compared(output)

    assert wrong(report) == {"doubled": 3}
    assert [example.id for example in report.examples["doubled"]] == [
        "1.000:100",
        "1.000:100",
        "1.000:699",
    ]


def test_out_of_order(output: Lines) -> None:
    """One that is late, and one that is early, are one each."""
    output.insert(50, output.pop(10))
    output.insert(500, output.pop(550))

    report = compared(output)

    assert wrong(report) == {"order": 2}
    late = report.examples["order"][0]
    assert (late.id, late.expected) == ("1.000:10", "before 1.000:50")


def test_unexpected(output: Lines) -> None:
    """An event that the flood has not made, and one of another host."""
    output.insert(10, event(COUNT + 5))
    output.insert(500, event(499, NODE="other"))

    report = compared(output)

    assert wrong(report) == {"unexpected": 2}
    assert [example.id for example in report.examples["unexpected"]] == [
        "1.000:1005",
        "other 1.000:499",
    ]


@pytest.mark.parametrize(
    "line", [b"", b'{"ID": "1.000:5', b"[]", b"{}", b'{"ID": 5}', b"\xff", b'{"ID": "", "NODE": 5}']
)
def test_unreadable(output: Lines, line: bytes) -> None:
    """A line that is no event is one, and is no event that was lost."""
    output.insert(10, line)

    report = compared(output)

    assert wrong(report) == {"unreadable": 1}
    assert report.examples["unreadable"][0].id == "line 11"


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        ("parent", {"PARENT_INFO": {"ID": "1.000:0"}}),
        ("label", {"SYSCALL": {**json.loads(event(5))["SYSCALL"], "LABELS": ["x"]}}),
        ("process", {"SYSCALL": {**json.loads(event(5))["SYSCALL"], "pid": 11}}),
        ("incomplete", {"INCOMPLETE": ["late"]}),
    ],
)
def test_wrong_content(output: Lines, kind: str, member: dict[str, Any]) -> None:
    """Values of events are compared, wherever the event is."""
    for number in (5, 6, 999):
        output[number] = event(number, **member)
    output.insert(7, output.pop(5))

    report = compared(output)

    assert {kind: 3, "order": 1} == wrong(report)
    assert {"1.000:5", "1.000:6", "1.000:999"} == {example.id for example in report.examples[kind]}


def test_skipped_kinds(output: Lines) -> None:
    """Kinds that are skipped are not counted."""
    output[5] = event(5, PARENT_INFO={})
    output.insert(50, output.pop(10))

    report = compared(output, skipped=("parent", "order"))

    assert report.right
    assert not {"parent", "order"} & {*report.counts, *report.examples}


def test_all_at_once(output: Lines) -> None:
    """Faults do not hide each other, however many there are and wherever."""
    chance = random.Random(7)
    numbers = chance.sample(range(1, COUNT - 1), 300)
    lost, doubled, parents = {*numbers[:100]}, {*numbers[100:200]}, {*numbers[200:]}
    made: Lines = []
    for number, line in enumerate(output):
        if number in parents:
            made.append(event(number, PARENT_INFO={"ID": "x"}))
        elif number not in lost:
            made.extend([line] * (1 + (number in doubled)))

    expected = {"lost": 100, "doubled": 100, "parent": 100}
    assert expected == wrong(compared(made))
    assert expected == wrong(compared(made, window=200))


def test_events_without_a_place() -> None:
    """Those that nothing ends may come at any time, but they have to come, and once."""
    truth = truth_lines(end=lambda number: "timeout" if number % 10 == 3 else "eoe")
    waiting = [event(number, INCOMPLETE=["no-eoe"]) for number in range(3, COUNT, 10)]
    others = [event(number) for number in range(COUNT) if number % 10 != 3]

    assert wrong(compared(others + waiting, truth, window=20)) == {}
    assert wrong(compared(others + waiting[1:], truth, window=20)) == {"lost": 1}
    assert wrong(compared(others + waiting + waiting[-1:], truth, window=20)) == {"doubled": 1}


def test_beyond_the_window(output: Lines) -> None:
    """One further from its place than the window is lost, and something unexpected."""
    output.append(output.pop(10))

    assert wrong(compared(output, window=100)) == {"lost": 1, "unexpected": 1}
    assert wrong(compared(output, window=COUNT)) == {"order": 1}


def test_memory_is_bounded() -> None:
    """However long the output is, what is kept is that of the window."""
    from laurel_mp.loadtest.verify import comparison as module

    count, window = 5000, 50
    found = module._Comparison(TruthReader("truth", truth_lines(count)), Verdict(), window)
    for number in range(count):
        found.add(number, event(number))
        assert max(len(found._near), len(found._queue)) <= 2 * window + 1
        assert found._order.unsettled <= 2 * window + 1

    assert found.end().right


def test_a_flood_that_was_cut_short(output: Lines) -> None:
    """It is said that the truth ends before its time."""
    report = compared(output[:100], truth_lines()[:101])

    assert report.right
    assert (report.expected, report.announced, report.cut) == (100, 1000, True)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"{}"],
        [b'{"truth": 2}'],
        [b"garbage"],
        [b"[]"],
        [b'{"truth": 1}', b"garbage"],
        [b'{"truth": 1}', b'{"id": 5, "end": "eoe"}'],
        [b'{"truth": 1}', b'{"id": "1.000:1"}'],
    ],
)
def test_a_file_that_is_no_truth(lines: Lines) -> None:
    """It is said, and nothing is compared."""
    with pytest.raises(InputError, match=r"^truth: is "):
        compared([], lines)

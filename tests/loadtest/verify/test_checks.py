"""One event beside what is true of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from laurel_mp.loadtest.verify.checks import Difference, differences

PARENT = {"ID": "1.000:1", "comm": "sh", "exe": "/bin/sh", "ppid": 1}
ORIGIN = {"EVENT_ID": "1.000:1", "pid": 9, "comm": "sh", "exe": "/bin/sh"}

TRUTH: dict[str, Any] = {
    "id": "1.000:2", "kind": "exec", "lines": 5, "end": "eoe", "syscall": "execve",
    "pid": 10, "ppid": 9, "comm": "id", "exe": "/bin/id", "self": "1.000:2",
    "parent": PARENT, "spawned_by": ORIGIN, "labels": ["a", "b"], "argc": 2, "argv_bytes": 5,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "ID": "1.000:2",
    "SYSCALL": {
        "pid": 10, "ppid": 9, "comm": "id", "exe": "/bin/id", "PID": {"EVENT_ID": "1.000:2"},
        "SPAWNED_BY": ORIGIN, "LABELS": ["a", "b"],
    },
    "EXECVE": {"argc": 2, "ARGV": ["id", "-un"]},
    "PARENT_INFO": PARENT,
}  # fmt: skip


def test_all_is_right() -> None:
    """An event as it should be has no difference."""
    assert list(differences(TRUTH, EVENT)) == []


def changed(path: str, value: Any) -> dict[str, Any]:
    """The event with another value; None to leave it out."""
    event = copy.deepcopy(EVENT)
    *parents, key = path.split(".")
    place = event
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return event


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("SYSCALL.pid", 11, ("process", {"pid": 10}, {"pid": 11})),
        ("SYSCALL.ppid", None, ("process", {"ppid": 9}, {"ppid": None})),
        ("SYSCALL.comm", "su", ("process", {"comm": "id"}, {"comm": "su"})),
        ("SYSCALL.exe", "/bin/su", ("process", {"exe": "/bin/id"}, {"exe": "/bin/su"})),
        ("SYSCALL.PID.EVENT_ID", "1.000:1",
         ("process", {"EVENT_ID": "1.000:2"}, {"EVENT_ID": "1.000:1"})),
        ("SYSCALL.PID", None, ("process", {"EVENT_ID": "1.000:2"}, {"EVENT_ID": None})),
        ("PARENT_INFO", None, ("parent", {"PARENT_INFO": PARENT}, {"PARENT_INFO": None})),
        ("PARENT_INFO.ID", "1.000:0",
         ("parent", {"PARENT_INFO": PARENT}, {"PARENT_INFO": {**PARENT, "ID": "1.000:0"}})),
        ("PARENT_INFO.ppid", None,
         ("parent", {"PARENT_INFO": PARENT},
          {"PARENT_INFO": {key: PARENT[key] for key in ("ID", "comm", "exe")}})),
        ("SYSCALL.SPAWNED_BY", None, ("parent", {"SPAWNED_BY": ORIGIN}, {"SPAWNED_BY": None})),
        ("SYSCALL.LABELS", None, ("label", ["a", "b"], [])),
        ("SYSCALL.LABELS", ["b", "a"], ("label", ["a", "b"], ["b", "a"])),
        ("EXECVE.ARGV", ["id"], ("argument", {"argc": 2, "bytes": 5}, {"argc": 1, "bytes": 2})),
        ("EXECVE.ARGV", ["id", "-u"],
         ("argument", {"argc": 2, "bytes": 5}, {"argc": 2, "bytes": 4})),
        ("EXECVE.ARGV", ["id", 5], ("argument", {"argc": 2, "bytes": 5}, ["id", 5])),
        ("EXECVE", None, ("argument", {"argc": 2, "bytes": 5}, None)),
        ("INCOMPLETE", ["no-eoe"], ("incomplete", None, ["no-eoe"])),
    ],
)  # fmt: skip
def test_each_difference_is_found(path: str, value: Any, expected: tuple[str, Any, Any]) -> None:
    """Whatever is changed is found, and nothing else."""
    assert [Difference(*expected)] == list(differences(TRUTH, changed(path, value)))


def test_what_should_not_be_there() -> None:
    """A parent, an origin and labels that the flood does not know are wrong, too."""
    truth = {**TRUTH, "parent": None, "spawned_by": None, "labels": []}

    assert [found.kind for found in differences(truth, EVENT)] == ["parent", "label"]


def test_events_without_process() -> None:
    """Of those it is known only that they are whole."""
    truth = {"id": "1.000:3", "kind": "login", "lines": 1, "end": "single"}

    assert list(differences(truth, {"ID": "1.000:3", "USER_AUTH": {}})) == []
    assert [Difference("incomplete", None, ["late"])] == list(
        differences(truth, {"ID": "1.000:3", "INCOMPLETE": ["late"]})
    )


@pytest.mark.parametrize(("reasons", "wrong"), [(["no-eoe"], 0), (["no-eoe", "cut"], 1)])
def test_an_event_that_nothing_ends(reasons: list[str], wrong: int) -> None:
    """It may say so, and nothing else."""
    truth = {"id": "1.000:3", "kind": "uring", "lines": 1, "end": "timeout"}

    found = list(differences(truth, {"ID": "1.000:3", "INCOMPLETE": reasons}))

    assert wrong == len(found)


@pytest.mark.parametrize("event", [{"SYSCALL": []}, {"SYSCALL": {"PID": 5}}, {"EXECVE": "x"}, {}])
def test_an_event_of_any_shape(event: dict[str, Any]) -> None:
    """No value in the output raises an exception."""
    assert "process" in [found.kind for found in differences(TRUTH, event)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("SYSCALL.PID", None),
        ("PARENT_INFO", None),
        ("PARENT_INFO", {"comm": "init", "ppid": 0}),
        ("SYSCALL.SPAWNED_BY", None),
        ("SYSCALL.LABELS", None),
    ],
)
def test_what_another_program_does_not_know(path: str, value: Any) -> None:
    """If that is no fault, it is none; it is one otherwise."""
    event = changed(path, value)

    assert list(differences(TRUTH, event, lenient=True)) == []
    assert len(list(differences(TRUTH, event))) == 1


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("SYSCALL.PID.EVENT_ID", "1.000:1", "process"),
        ("PARENT_INFO.ID", "1.000:0", "parent"),
        ("SYSCALL.LABELS", ["x"], "label"),
        ("EXECVE.ARGV", ["id"], "argument"),
    ],
)
def test_what_another_program_says_is_compared(path: str, value: Any, kind: str) -> None:
    """Values that are present must be right."""
    found = differences(TRUTH, changed(path, value), lenient=True)

    assert [kind] == [difference.kind for difference in found]

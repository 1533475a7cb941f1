"""The tracker: rows in the order of the stream, and answers that hold."""

import json
from typing import Any

from tests.support.pipelines import run
from tests.support.streams import eoe, record, syscall


def events(*lines: bytes) -> list[dict[str, Any]]:
    """Run some events."""
    return [json.loads(line) for line in run([eoe(1) + b"".join(lines)]).events]


def call(serial: int, **more: Any) -> bytes:
    """A whole event."""
    return syscall(serial, **more) + eoe(serial)


def test_parent_was_handed_to_init() -> None:
    """What is said about a process says who its parent's parent is now, not who it was."""
    found = events(
        call(1001, pid=4, ppid=1),
        call(1002, pid=5, ppid=4),
        call(1003, pid=6, ppid=5),
        call(1004, pid=6, ppid=5),
        call(1005, pid=5, ppid=1),
        call(1006, pid=6, ppid=5),
    )

    assert [found[index]["PARENT_INFO"]["ppid"] for index in (2, 3, 5)] == [4, 4, 1]


def test_order_between_workers() -> None:
    """An exec is applied before a child's next event, whichever worker decodes them."""
    lines = b"".join(
        call(serial, pid=5, ppid=1, number=59, exe=b"/bin/%d" % serial)
        + call(serial + 100, pid=6, ppid=5)
        for serial in range(1000, 5000, 250)
    )
    expected = run([eoe(1) + lines])
    found = [json.loads(line) for line in expected.events]

    for parent, child in zip(found[::2], found[1::2], strict=True):
        assert parent["ID"] == child["PARENT_INFO"]["ID"]
    for workers in (1, 2, 3, 4):
        assert expected == run([eoe(1) + lines], workers)


def test_exec_of_an_unknown_architecture() -> None:
    """Where the system call has no name, the EXECVE record says that it is an exec."""
    unknown = syscall(1001, pid=5, arch=b"c000113e", exe=b"/a")
    found = events(
        unknown + record(b"EXECVE", 1001, b'argc=1 a0="a"') + eoe(1001),
        call(1002, pid=5, exe=b"/a"),
    )

    assert found[0]["ID"] == found[1]["SYSCALL"]["PID"]["EVENT_ID"]

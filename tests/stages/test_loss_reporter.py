"""Lines of the output about missing events."""

import json
from array import array
from typing import Any

from laurel_mp.events.reassembly.bodies import clock_key
from laurel_mp.events.reassembly.serial_collector import Interval, Seen
from laurel_mp.stages.loss_reporter import LossOptions, LossReporter, LossReporterState
from laurel_mp.stages.packing import check, pack

OPTIONS = LossOptions(window=0.0, interval=10.0, lines=True)


class Told:
    """Feeds one interval after another, and reads what is told."""

    def __init__(self, options: LossOptions = OPTIONS) -> None:
        self.losses = LossReporter(options)
        self.position = 0

    def see(
        self, now: float, *ranges: int, node: bytes | None = None, final: bool = False
    ) -> list[dict[str, Any]]:
        """The lines at a mark behind what was seen."""
        seen = [Seen(node, array("Q", ranges), 100.0 + now, 100.5 + now, False)] if ranges else []
        self.position += 10
        _, lines = self.losses.take([[Interval(self.position, now, final, seen)]])
        assert all(line.key == clock_key(self.position) for line in lines)
        return [json.loads(line.head + b"}") for line in lines]


def test_a_line() -> None:
    """A line says what is missing, when it was numbered, and how much is missing in all."""
    told = Told()
    assert told.see(0.0, 1, 5, node=b"vm") == []
    (line,) = told.see(1.0, 8, 9, 11, 11, node=b"vm")

    assert line == {
        "ID": "101.500:6",
        "NODE": "vm",
        "LAUREL_MP": {
            "op": "loss",
            "kind": "serial-gap",
            "count": 3,
            "gaps": 2,
            "first": 6,
            "last": 10,
            "from": 100.5,
            "to": 101.5,
            "total": 3,
            "since": 100.0,
        },
    }


def test_what_comes_soon_is_told_together() -> None:
    """For some time after a line there is no other one of that host; the next one has it all."""
    told = Told()
    told.see(0.0, 1, 1)
    assert [line["LAUREL_MP"]["count"] for line in told.see(1.0, 3, 3)] == [1]
    assert told.see(2.0, 5, 5) == []
    assert told.losses.is_waiting
    assert told.see(3.0, 8, 8, node=b"other") == []
    assert len(told.see(4.0, 10, 10, node=b"other")) == 1
    assert told.see(10.0, 8, 8) == []
    (line,) = told.see(11.0, 9, 9)

    assert tuple(
        line["LAUREL_MP"][name] for name in ("count", "gaps", "first", "last", "total")
    ) == (3, 2, 4, 7, 4)
    assert not told.losses.is_waiting


def test_the_end_is_not_waited_for() -> None:
    """At the end of the input all is told."""
    told = Told()
    told.see(0.0, 1, 1)
    told.see(1.0, 3, 3)
    told.see(2.0, 5, 5)

    assert [line["ID"] for line in told.see(2.0, final=True)] == ["102.500:4"]


def test_what_came_after_all() -> None:
    """Events that arrive after they were counted as lost are reported, too."""
    told = Told()
    told.see(0.0, 1, 1)
    told.see(1.0, 5, 5)
    (line,) = told.see(20.0, 3, 3)

    own = {"op": "loss", "kind": "serial-gap", "late": 1, "total": 2, "since": 100.0}
    assert line == {"ID": "120.500:0", "LAUREL_MP": own}


def test_no_lines() -> None:
    """Without lines, what is missing is found all the same."""
    losses = LossReporter(LossOptions(window=0.0))
    for position, serial in ((10, 1), (20, 3)):
        seen = [Seen(None, array("Q", [serial, serial]), 1.0, 1.0, False)]
        found, lines = losses.take([[Interval(position, position, False, seen)]])

    assert [loss.events for loss in found] == [1]
    assert lines == []
    assert not losses.is_waiting


def test_a_prefix_and_a_restart() -> None:
    """The line's key is one of the added keys; a restart of auditd is mentioned."""
    losses = LossReporter(LossOptions(window=0.0, lines=True, key=b"x_laurel_mp"))
    for position, serial in ((10, 1), (20, 3)):
        seen = [Seen(None, array("Q", [serial, serial]), 1.0, 1.0, True)]
        _, lines = losses.take([[Interval(position, position, False, seen)]])

    ((_, head),) = lines
    assert json.loads(head + b"}")["x_laurel_mp"]["restarted"] is True


def test_going_on_elsewhere() -> None:
    """Another reporter continues at any point, or starts afresh with the counts."""
    told = Told()
    told.see(0.0, 1, 1)
    told.see(1.0, 3, 3)
    told.see(2.0, 5, 5)
    state = check(pack(told.losses.state()), LossReporterState)
    told.losses = LossReporter(OPTIONS)
    told.losses.restore(state)
    (line,) = told.see(11.0, 7, 7)
    assert (line["LAUREL_MP"]["count"], line["LAUREL_MP"]["total"]) == (2, 3)

    state = check(pack(told.losses.state().without_gaps()), LossReporterState)
    told.losses = LossReporter(OPTIONS)
    told.losses.restore(state)
    assert told.see(30.0, 100, 100) == []
    (line,) = told.see(31.0, 102, 102)
    assert (line["LAUREL_MP"]["count"], line["LAUREL_MP"]["total"]) == (1, 4)

"""Reports of missing events."""

import pytest

from laurel_mp.pipeline.daemon.loss_report import MAX_NODES, OTHERS, PERIOD, LossReport, Missing
from laurel_mp.stages.node_serials import Loss
from tests.support.clock import Clock

DAY = 1_700_000_000.0


def loss(events: int, first: int = 10, *, node: bytes | None = None, **more: object) -> Loss:
    """Some events that are missing in one gap."""
    last = first + events - 1
    found = Loss(node, events, 1, first, last, DAY, DAY + 1, False, 0, events, DAY)
    return found._replace(**more)  # type: ignore[arg-type]


class Log:
    """A report with a clock of its own, and what it has said."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.texts: list[str] = []
        self.report = LossReport(self.texts.append, lambda: self.clock.now)


def test_the_first_message() -> None:
    """The first loss is told at once, in plain words."""
    log = Log()
    log.report.add([loss(3, node=b"web1")])

    (text,) = log.texts
    what, when, total = "3 events of web1 missing: serials 10 to 12", "2023-11-14T22:13:2", "3"
    assert text == f"{what}, numbered between {when}0Z and {when}1Z; {total} since the start"


def test_one_event() -> None:
    """A single one is called so; a restart of auditd is mentioned."""
    log = Log()
    log.report.add([loss(1, restarted=True)])

    assert log.texts[0].startswith("1 event missing: serial 10, numbered")
    assert "; auditd was restarted about then; 1 since the start" in log.texts[0]


def test_further_ones_are_summed() -> None:
    """Losses of the next minute are reported together after it, for each node."""
    log = Log()
    log.report.add([loss(1)])
    log.report.add([loss(2, 20), loss(1, 5, node=b"b")])
    log.report.add([loss(4, 30)])
    assert len(log.texts) == 2
    assert 0 < log.report.next_due() <= PERIOD
    log.clock.now += PERIOD
    log.report.tick()

    assert "6 events missing: serials 20 to 33, in 2 gaps" in log.texts[2]
    assert log.texts[2].endswith("7 since the start")
    assert log.report.next_due() > PERIOD


def test_the_end() -> None:
    """At the end all is told."""
    log = Log()
    log.report.add([loss(1)])
    log.report.add([loss(2, 20)])
    log.report.close()
    log.report.close()

    assert len(log.texts) == 2


def test_late() -> None:
    """Late events are logged, and counted back."""
    log = Log()
    log.report.add([loss(5)])
    log.report.add([loss(2, 20, late=3)])
    log.report.close()
    assert log.texts[1].endswith("; 3 events arrived late; 4 since the start")

    log.report.add([loss(0, late=1)])
    log.report.close()
    assert log.texts[2] == "1 event arrived late, counted as missing before"


def test_counters() -> None:
    """Each host has its counters; beyond a number, others have theirs together."""
    log = Log()
    log.report.add([loss(2)])
    log.report.add([loss(1, late=1)])
    log.report.add([loss(1, node=b"h%d" % number) for number in range(MAX_NODES + 5)])
    rows = list(log.report.rows())

    assert rows[0] == {"node": "", "missing_events": 3, "gaps": 2, "late_events": 1}
    assert len(rows) == MAX_NODES + 1
    assert rows[-1] == {"node": OTHERS, "missing_events": 6, "gaps": 6, "late_events": 0}


@pytest.mark.parametrize("seconds", [1e17, 1e300])
def test_any_time(seconds: float) -> None:
    """A stream may hold any time stamp."""
    log = Log()
    log.report.add([loss(1, start=seconds)])

    assert f"between {seconds:.0f} and" in log.texts[0]


def test_offline() -> None:
    """Offline only the number matters."""
    missing = Missing()
    missing.add([loss(5), loss(2, late=3)])

    assert missing.events == 4

"""Log messages about a run."""

from laurel_mp.config import Config
from laurel_mp.observe.measures import Row
from laurel_mp.observe.register import Snapshot
from laurel_mp.pipeline.status import log_report
from laurel_mp.pipeline.status.log_report import StatusReport
from laurel_mp.pipeline.supervisor.ledger import Ledger

CONFIG = Config(statusreport_period=60, marker="web")

TOTAL = Ledger(lines=100, malformed=1, duplicate=2, written=20, filtered_events=3, in_flight=7)


def snapshot(
    counts: tuple[int, int, int, int, int], flight: int, cpu: tuple[float, float], failures: int = 0
) -> Snapshot:
    """Counters to report."""
    lines, events, filtered, duplicate, malformed = counts
    row = {
        "lines": lines,
        "written_events": events,
        "filtered_events": filtered,
        "duplicate_lines": duplicate,
        "malformed_lines": malformed,
        "lines_in_flight": flight,
    }
    program = {"cpu_user_seconds": cpu[0], "cpu_system_seconds": cpu[1]}
    processes: list[Row] = [{"process": "writer", "failures": failures}, {"process": "tracker"}]
    return {"ledger": [row], "program": [program], "processes": processes}


FIRST = snapshot((100, 20, 3, 2, 1), 7, (1.0, 0.25))


def test_started_and_stopped() -> None:
    """Start and end say the version, the marker, and what became of the input."""
    assert log_report.started("1.2", Config()) == "started version 1.2"
    assert log_report.started("1.2", CONFIG) == "started version 1.2 (web)"
    assert log_report.stopped(TOTAL, CONFIG) == (
        "stopped: 100 lines, 20 events, 3 filtered events, 2 duplicate lines, 1 malformed lines "
        "in total (web)"
    )


def test_status() -> None:
    """Each report has the numbers of its period and those of the whole run."""
    status = StatusReport(CONFIG, 1000.0)
    first = status.text(FIRST, 1060.0)
    second = status.text(snapshot((250, 60, 3, 2, 5), 0, (1.5, 0.75), 2), 1125.0)

    assert first == (
        "status: 100 lines, 20 events, 3 filtered events, 2 duplicate lines, 1 malformed lines "
        "in 60 s; 100 lines, 20 events, 3 filtered events, 2 duplicate lines, 1 malformed lines "
        "in total; 7 lines in flight; CPU time 1.00 s user and 0.25 s system, 1.00 s user and "
        "0.25 s system in total (web)"
    )
    assert second == (
        "status: 150 lines, 40 events, 0 filtered events, 0 duplicate lines, 4 malformed lines "
        "in 65 s; 250 lines, 60 events, 3 filtered events, 2 duplicate lines, 5 malformed lines "
        "in total; 0 lines in flight; CPU time 0.50 s user and 0.50 s system, 1.50 s user and "
        "0.75 s system in total; failures: 2 (web)"
    )


def test_nothing_came() -> None:
    """A period without input has its report, too."""
    status = StatusReport(Config(statusreport_period=60), 0.0)
    status.text(FIRST, 60.0)

    assert status.text(FIRST, 120.0).startswith("status: 0 lines, 0 events, ")


def test_when() -> None:
    """It is due once per period; never, if none is wanted."""
    status = StatusReport(CONFIG, 1000.0)

    assert StatusReport(Config(), 0.0).wait(1e9) is None
    assert [status.wait(now) for now in (1000.0, 1059.0, 1060.0, 1070.0)] == [60.0, 1.0, 0.0, 0.0]
    status.text(FIRST, 1070.0)
    assert status.wait(1070.0) == 60.0

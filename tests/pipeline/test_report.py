"""What the log says about a run."""

from dataclasses import replace

from laurel_mp.config import Config
from laurel_mp.pipeline import report
from laurel_mp.pipeline.ledger import Ledger
from laurel_mp.pipeline.report import StatusReport

CONFIG = Config(statusreport_period=60, marker="web")

FIRST = Ledger(lines=100, malformed=1, duplicate=2, written=20, filtered_events=3, in_flight=7)
SECOND = replace(FIRST, lines=250, malformed=5, written=60, in_flight=0)


def test_started_and_stopped() -> None:
    """Start and end say the version, the marker, and what became of the input."""
    assert report.started("1.2", Config()) == "started version 1.2"
    assert report.started("1.2", CONFIG) == "started version 1.2 (web)"
    assert report.stopped(FIRST, CONFIG) == (
        "stopped: 100 lines, 20 events, 3 filtered events, 2 duplicate lines, 1 malformed lines "
        "in total (web)"
    )


def test_status() -> None:
    """Each report has the numbers of its period and those of the whole run."""
    status = StatusReport(CONFIG, 1000.0)
    ledger = replace(FIRST)
    first = status.text(ledger, 1060.0)
    ledger.lines, ledger.malformed, ledger.written = SECOND.lines, SECOND.malformed, SECOND.written
    ledger.in_flight = 0  # the same object, as it goes on

    assert first == (
        "status: 100 lines, 20 events, 3 filtered events, 2 duplicate lines, 1 malformed lines "
        "in 60 s; 100 lines, 20 events, 3 filtered events, 2 duplicate lines, 1 malformed lines "
        "in total; 7 lines in flight (web)"
    )
    assert status.text(ledger, 1125.0) == (
        "status: 150 lines, 40 events, 0 filtered events, 0 duplicate lines, 4 malformed lines "
        "in 65 s; 250 lines, 60 events, 3 filtered events, 2 duplicate lines, 5 malformed lines "
        "in total; 0 lines in flight (web)"
    )


def test_nothing_came() -> None:
    """A period without input has its report, too."""
    status = StatusReport(Config(statusreport_period=60), 0.0)

    assert status.text(Ledger(), 60.0).startswith("status: 0 lines, 0 events, ")


def test_when() -> None:
    """It is due once per period; never, if none is wanted."""
    status = StatusReport(CONFIG, 1000.0)

    assert StatusReport(Config(), 0.0).wait(1e9) is None
    assert [status.wait(now) for now in (1000.0, 1059.0, 1060.0, 1070.0)] == [60.0, 1.0, 0.0, 0.0]
    status.text(Ledger(), 1070.0)
    assert status.wait(1070.0) == 60.0


def test_going_back() -> None:
    """While a crash is made good, the counters may be behind; nothing is negative then."""
    status = StatusReport(CONFIG, 0.0)
    status.text(SECOND, 60.0)

    assert "-" not in status.text(FIRST, 120.0)

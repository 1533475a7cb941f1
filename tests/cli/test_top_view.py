"""Content of the screen for given samples."""

import pytest

from laurel_mp.cli import top_view as live_module
from laurel_mp.cli.top_view import Sample, Style, View, screen
from laurel_mp.observe.measures import Group, Row, Value, counter, gauge
from laurel_mp.observe.register import Snapshot


def row(name: str, **measures: float) -> Row:
    """A process that is there."""
    found: dict[str, Value] = {"process": name, "pid": 10}
    return {**found, "cpu_user_seconds": 0.0, "cpu_system_seconds": 0.0, **measures}


def snapshot(*processes: Row, start: float = 1.0, **more: list[Row]) -> Snapshot:
    """A daemon's answer."""
    found: dict[str, list[Row]] = {
        "program": [{"version": "1", "start_time_seconds": start, "workers": 2}],
        "ledger": [{"events": 0, "lines": 0}],
        "input": [{"output_waits": 0}],
        "processes": list(processes),
    }
    return found | more


def view(now: Snapshot, before: Snapshot | None = None, seconds: float = 2.0) -> View:
    """The difference of two of these."""
    return View(Sample(10.0, now), None if before is None else Sample(10.0 - seconds, before))


def test_rates() -> None:
    """They are per second; CPU time is in parts of a core."""
    before = snapshot(row("writer", events=100, cpu_user_seconds=1.0, cpu_system_seconds=0.5))
    now = snapshot(row("writer", events=300, cpu_user_seconds=2.0, cpu_system_seconds=1.0))
    (process,) = view(now, before).processes

    assert (process.events, process.lines, process.cpu) == (100.0, None, 0.75)


def test_no_rates() -> None:
    """There are none at first, for a process that is new, and for another daemon."""
    other = snapshot(row("writer", events=5000), start=2.0)
    now = snapshot(row("writer", events=300), row("worker-1", events=7))

    assert view(now).processes[0].events is None
    assert view(now, other).processes[0].events is None
    assert view(now, snapshot(row("writer", events=300))).processes[1].events is None


def test_nothing_is_negative() -> None:
    """A count that is smaller than before is none of less than nothing."""
    before, now = snapshot(row("writer", events=300)), snapshot(row("writer", events=200))

    assert view(now, before).processes[0].events == 0


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (snapshot(row("writer")), "none: waiting for input"),
        (
            snapshot(row("ingest", cpu_user_seconds=1.0), row("tracker", cpu_user_seconds=1.8)),
            "tracker, using 90 % of a core",
        ),
        (
            snapshot(row("ingest"), row("writer", lag_seconds=3.21)),
            "writer, where input waits for 3.2 s",
        ),
        (
            snapshot(
                row("tracker", cpu_user_seconds=1.9),
                input=[{"output_waits": 1, "output_waits_for": "audit.log: disk full"}],
            ),
            "the output: audit.log: disk full",
        ),
        ({}, "none: waiting for input"),
    ],
)
def test_limit(now: Snapshot, expected: str) -> None:
    """An output that waits comes first, then who is busy, then for whom input waits."""
    before = snapshot(*(row(str(each["process"])) for each in now.get("processes", ())))

    assert view(now, before).limit() == expected


def test_losses() -> None:
    """Losses as in the report, and tables that dropped entries."""
    now = snapshot(
        row("writer", messages_lost=3),
        row("tracker", messages_lost=4, failures=1),
        tables=[
            {"process": "tracker", "table": "nodes", "entries": 9, "evictions": 1200},
            {"process": "tracker", "table": "answers", "entries": 9, "evictions": 0},
        ],
    )

    assert sorted(view(now).losses()) == [
        "failures 1", "messages lost 7", "nodes of tracker at their limit 1,200",
    ]  # fmt: skip


def test_losses_of_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """All counters of the group for losses are losses, over all of its rows."""
    group = Group(
        "losses",
        "Losses.",
        (counter("gaps", "Gaps."), counter("late", "Late."), gauge("now", "Now.")),
        labels=("node",),
    )
    monkeypatch.setattr(live_module, "GROUPS", (group,))
    rows: list[Row] = [{"node": "a", "gaps": 2, "now": 7}, {"node": "b", "gaps": 3, "late": 0}]

    assert view(snapshot(losses=rows)).losses() == ["gaps 5"]


MANY = snapshot(*(row(f"worker-{n}", cpu_user_seconds=n / 10) for n in range(1, 17)))
IDLE = snapshot(*(row(f"worker-{n}") for n in range(1, 17)))


def test_more_processes_than_lines() -> None:
    """Those that need most are shown, in their order, and how many there are besides."""
    lines = screen(view(MANY, IDLE), "", 80, 24)
    names = [line.text.split()[0] for line in lines if line.text.startswith("worker-")]

    assert len(lines) == 24
    assert names == [f"worker-{n}" for n in range(17 - len(names), 17)]
    assert f"... and {16 - len(names)} more with less CPU time" in [line.text for line in lines]
    assert any(line.text.startswith("Losses and failures: none") for line in lines)


@pytest.mark.parametrize("width", [1, 10, 79, 80, 300])
@pytest.mark.parametrize("height", [1, 2, 5, 12, 24, 100])
def test_every_size(width: int, height: int) -> None:
    """It is never larger than the screen."""
    for trouble in ("", "no daemon " * 20):
        for each in (view(MANY, IDLE), None):
            lines = screen(each, trouble, width, height)
            assert len(lines) <= height
            assert max(len(line.text) for line in lines) <= width


def test_trouble() -> None:
    """It is shown beside what was known last."""
    lines = screen(view(MANY), "no daemon", 80, 24)

    assert (lines[-2].text, lines[-2].style) == ("no daemon", Style.ALARM)
    assert lines[-1].text == "q quits"
    assert [line.text for line in screen(None, "no daemon", 80, 24)] == ["no daemon", "q quits"]


def test_a_process_that_is_gone() -> None:
    """It stands out, with what it had done."""
    now = snapshot({"process": "writer", "events": 7})
    (line,) = [line for line in screen(view(now), "", 80, 24) if line.text.startswith("writer")]

    assert line.text.split()[1] == "gone"
    assert line.style is Style.STRONG


def test_nothing_known() -> None:
    """Also a daemon that says nothing of what is known here can be shown."""
    assert len(screen(view({}), "", 80, 24)) == 24

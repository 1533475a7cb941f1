"""Status reports of a running program, periodic and on request."""

import re
import signal
from pathlib import Path

import pytest

from tests.support.commands import wait_for_children
from tests.support.plugin import configure, numbers, plugin, reports
from tests.support.streams import eoe, event, syscall
from tests.support.waiting import wait_until

LATE = "end-of-event-timeout = 60"

FILTER = "[filter]\nkeep-first-per-process = false\nfilter-raw-lines = [' pid=77 ']"

GIVEN = eoe(1) + event(7) + event(8) + event(7) + event(9, pid=77) + b"bad\n" + syscall(10)
"""15 lines: two events, one of them twice, one that is filtered, one that is not complete."""

TOTAL = {
    "lines": 15,
    "events": 2,
    "filtered events": 1,
    "duplicate lines": 2,
    "malformed lines": 1,
}


@pytest.mark.parametrize("workers", [0, 2])
def test_when_asked(tmp_path: Path, workers: int) -> None:
    """C5: after SIGUSR2 all numbers are right, with and without a process that has died between."""
    with plugin(configure(tmp_path, workers, more=LATE, sections=FILTER)) as running:

        def right() -> bool:
            running.process.send_signal(signal.SIGUSR2)
            found = reports(running.messages)
            return bool(found) and found[-1][1:] == (TOTAL, 1)

        running.give(GIVEN)
        wait_until(lambda: numbers(tmp_path / "audit.log") == [7, 8], "it runs", 20)
        wait_until(right, "the numbers are right", 20)
        if workers:
            before = len(reports(running.messages))
            wait_for_children(running.process, workers)["worker 1/2"].kill()
            running.says("restarting all processes")
            wait_until(
                lambda: right() and len(reports(running.messages)) > before, "they are again", 20
            )
        assert running.end() == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_now_and_then(tmp_path: Path, workers: int) -> None:
    """C7: with a period they come by themselves; periods add up, over SIGHUP, and to the end."""
    top = "statusreport-period = 1\nmarker = 'here'"
    with plugin(configure(tmp_path, workers, top=top, more=LATE, sections=FILTER)) as running:
        running.give(GIVEN[: len(GIVEN) // 2])
        running.says("status: ")
        wait_until(lambda: reports(running.messages)[-1][1]["events"] == 2, "half of it", 20)
        running.process.send_signal(signal.SIGHUP)
        running.says("configuration reloaded")
        running.give(GIVEN[len(GIVEN) // 2 :])
        wait_until(lambda: reports(running.messages)[-1][1:] == (TOTAL, 1), "all of it", 20)
        assert running.end() == 0
        found = reports(running.messages)
        messages = running.messages

    assert "1 lines in flight; CPU time " in messages
    assert re.search(
        r"CPU time 0.\d\d s user and 0.\d\d s system, .* in total \(here\)\n", messages
    )
    assert found[-1][1:] == (TOTAL | {"events": 3}, 0)  # also those completed at the end
    assert "stopped: 15 lines, 3 events, " in messages
    for number, (_, total, _) in enumerate(found, 1):
        assert total == {name: sum(each[0][name] for each in found[:number]) for name in TOTAL}

"""Missing events as an operator sees them: what happens to the counts when processes die."""

import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import COMMAND, wait_for_children
from tests.support.plugin import Plugin, configure, plugin, write, written
from tests.support.streams import event
from tests.support.waiting import wait_until

SECTIONS = "[loss]\nwindow = 0.2\ninterval = 0\n"


def settings(directory: Path, workers: int = 0, more: str = "") -> Path:
    """A configuration in which losses are told soon."""
    path = configure(directory, workers, more=more)
    path.write_text(path.read_text().replace('[loss]\nrecords = "never"\n', SECTIONS))
    return path


def lines(directory: Path) -> tuple[list[int], list[dict[str, Any]]]:
    """Serials of the events in the output, and what its other lines say."""
    found = written(directory / "audit.log")
    events = [int(each["ID"].partition(":")[2]) for each in found if "LAUREL_MP" not in each]
    return events, [each["LAUREL_MP"] for each in found if "LAUREL_MP" in each]


def ends_with(directory: Path, serial: int) -> bool:
    """True if that is the last event in the output."""
    return lines(directory)[0][-1:] == [serial]


def give(running: Plugin, serials: list[int]) -> None:
    """Have these events come."""
    running.give(b"".join([event(serial) for serial in serials]))


@pytest.mark.parametrize("role", ["worker 1/2", "tracker", "writer"])
def test_a_process_is_killed(tmp_path: Path, role: str) -> None:
    """After any process is killed, each missing event is counted once, in output and log."""
    with plugin(settings(tmp_path, 2)) as running:
        for start in range(100, 1300, 100):
            some = range(start, start + 100)
            give(running, [serial for serial in some if serial % 10 or serial == 100])
            if start % 400 == 0:
                wait_for_children(running.process, 2)[role].kill()
            is_written = partial(ends_with, tmp_path, some[-1])
            wait_until(is_written, "all is written", 20)
        assert running.end() == 0
        messages = running.messages

    events, records = lines(tmp_path)
    missing = [serial for serial in range(100, 1300) if serial % 10 == 0 and serial != 100]
    assert sorted(events) == [serial for serial in range(100, 1300) if serial not in missing]
    assert sum(record["count"] for record in records) == len(missing)
    assert records[-1]["total"] == len(missing)
    assert (records[0]["first"], records[-1]["last"]) == (missing[0], missing[-1])
    assert f"; {len(missing)} since the start" in messages
    assert "restarting all processes" in messages


def test_a_quiet_host(tmp_path: Path) -> None:
    """Missing events are reported soon, also if no input follows."""
    with plugin(settings(tmp_path)) as running:
        give(running, [1, 2, 5])
        wait_until(lambda: lines(tmp_path)[1], "the loss is told")
        running.says("2 events missing: serials 3 to 4")
        assert running.end() == 0

    (record,) = lines(tmp_path)[1]
    assert (record["count"], record["first"], record["last"]) == (2, 3, 4)


def test_a_restart(tmp_path: Path) -> None:
    """Events between two runs are missing."""
    config = settings(tmp_path)
    for serials in ([1, 2], [4, 5]):
        with plugin(config) as running:
            give(running, serials)
            assert running.end() == 0

    assert [record["first"] for record in lines(tmp_path)[1]] == [3]


def test_the_whole_of_it_is_killed(tmp_path: Path) -> None:
    """After ingest was killed the input that it had read is unknown: no loss is claimed."""
    config = settings(tmp_path)
    config.write_text(config.read_text() + "[state]\nwrite-state-period = 1\n")
    command = [*COMMAND, "-c", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        write(process, event(1) + event(2))
        wait_until((tmp_path / "state").exists, "the state is on disk", 20)
        write(process, event(3) + event(4))
        wait_until(lambda: lines(tmp_path)[0] == [1, 2, 3, 4], "they are written")
        process.kill()
    with plugin(config) as running:
        give(running, [10, 12])
        wait_until(lambda: lines(tmp_path)[1], "the loss is told")
        assert running.end() == 0

    events, records = lines(tmp_path)
    assert events == [1, 2, 3, 4, 10, 12]
    assert [(record["first"], record["last"]) for record in records] == [(11, 11)]


@pytest.mark.parametrize("records", ["never", "always"])
def test_the_switch(tmp_path: Path, records: str) -> None:
    """The lines can be switched off; the log and the counters say it all the same."""
    config = settings(tmp_path)
    config.write_text(config.read_text().replace("[loss]\n", f'[loss]\nrecords = "{records}"\n'))
    with plugin(config) as running:
        give(running, [1, 3])
        running.says("1 event missing: serial 2")
        assert running.end() == 0

    assert len(lines(tmp_path)[1]) == (records == "always")

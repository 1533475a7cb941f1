"""`laurel-mp status`, asking daemons that run, and where none does."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from laurel_mp.observe.groups import INPUT, LEDGER, PROCESSES, PROGRAM, TABLES
from laurel_mp.pipeline.status.client import StatusError, ask
from tests.support.commands import COMMAND, titles, wait_for_children
from tests.support.forked import in_child
from tests.support.plugin import configure, numbers, plugin
from tests.support.requirements import root
from tests.support.streams import eoe, event, syscall
from tests.support.waiting import wait_until

FILTER = "[filter]\nkeep-first-per-process = false\nfilter-raw-lines = [' pid=77 ']"

GIVEN = eoe(1) + event(7) + event(8) + event(7) + event(9, pid=77) + b"bad\n" + syscall(10)
"""15 lines: two events, one of them twice, one that is filtered, one that is not complete."""

COUNTED = {
    "lines": 15,
    "event_lines": 4,
    "filtered_lines": 2,
    "end_of_event_lines": 5,
    "duplicate_lines": 2,
    "malformed_lines": 1,
    "lines_in_flight": 1,
    "events": 3,
    "written_events": 2,
    "filtered_events": 1,
    "incomplete_events": 0,
    "timed_out_events": 0,
    "cut_events": 0,
    "events_without_end": 0,
    "late_events": 0,
    "events_without_path": 0,
    "events_without_argument": 0,
    "events_of_only_an_end": 1,
    "loss_lines": 0,
}


def run(*arguments: object, **how: Any) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, "status", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **how,
    )


def status(directory: Path) -> dict[str, Any]:
    """Status of the daemon of a directory."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(directory / "status.sock"))
        found = b""
        while data := client.recv(1 << 16):
            found += data
    document: dict[str, Any] = json.loads(found)
    return document


def served(directory: Path) -> None:
    """Wait until the daemon of a directory answers."""

    def answers() -> bool:
        try:
            return bool(status(directory))
        except OSError:
            return False

    wait_until(answers, "it tells its status", 20)


def processes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows of processes by their names."""
    return {row["process"]: row for row in document["processes"]}


@pytest.mark.parametrize("workers", [0, 2])
def test_counts(tmp_path: Path, workers: int) -> None:
    """All of the ledger is right, and so is what the processes have done."""
    config = configure(tmp_path, workers, more="end-of-event-timeout = 60", sections=FILTER)
    with plugin(config) as running:
        running.give(GIVEN)
        served(tmp_path)
        wait_until(lambda: status(tmp_path)["ledger"] == COUNTED, "the ledger is right", 20)
        found = status(tmp_path)
        assert running.end() == 0

    by_name = processes(found)
    assert found["program"]["workers"] == workers
    assert found["input"]["read_bytes"] == len(GIVEN)
    assert by_name["ingest"]["pid"] == running.process.pid
    assert by_name["ingest"]["lines"] == 15
    if workers:
        assert [*by_name] == ["ingest", "fork-server", "worker-1", "worker-2", "tracker", "writer"]
        decoded = [by_name[f"worker-{number}"] for number in (1, 2)]
        assert sum(row["events"] for row in decoded) == 3
        assert sum(row["lines"] for row in decoded) == 14
        assert by_name["writer"]["events"] == 3
        assert by_name["tracker"]["events"] == 4
        assert by_name["writer"]["written_bytes"] > 0
    else:
        assert [*by_name] == ["ingest"]
        assert by_name["ingest"]["events"] == 3
    for row in found["processes"]:
        assert row["memory_bytes"] > 1 << 20
        assert row["cpu_user_seconds"] + row["cpu_system_seconds"] >= 0
        assert row.get("queue_batches", 0) == 0
    spent = found["program"]["cpu_user_seconds"] + found["program"]["cpu_system_seconds"]
    assert spent > 0


@pytest.mark.parametrize("workers", [0, 2])
def test_every_measure_is_there(tmp_path: Path, workers: int) -> None:
    """All declared measures are contributed; only the reason of a stall may be absent."""
    config = configure(tmp_path, workers, top="marker = 'here'")
    with plugin(config) as running:
        running.give(eoe(1) + event(7))
        served(tmp_path)
        wait_until(lambda: status(tmp_path)["tables"], "processes have looked at themselves", 20)
        found = status(tmp_path)
        assert running.end() == 0

    for group in (PROGRAM, LEDGER, INPUT, PROCESSES, TABLES):
        rows = found[group.name] if group.labels else [found[group.name]]
        keys = {key for row in rows for key in row} - set(group.labels)
        assert keys == {measure.key for measure in group.measures} - {"output_waits_for"}


def test_over_a_crash_and_a_reload(tmp_path: Path) -> None:
    """Totals never go back, and are right in the end; who was to blame is known."""
    config = configure(tmp_path, 2)
    seen: list[dict[str, Any]] = []

    def until(condition: Callable[[dict[str, Any]], object]) -> None:
        """Look again and again, until something holds."""

        def holds() -> object:
            seen.append(status(tmp_path))
            return condition(seen[-1])

        wait_until(holds, "it holds", 20)

    with plugin(config) as running:
        served(tmp_path)
        for serial in (100, 200, 300):
            running.give(b"".join(event(serial + each) for each in range(40)))
            until(lambda now, n=serial: now["ledger"]["written_events"] == 40 * n // 100)  # type: ignore[misc]
            if serial == 100:
                wait_for_children(running.process, 2)["worker 2/2"].kill()
                until(lambda now: now["program"]["recoveries"] == 1)
                until(lambda now: now["input"]["in_flight_bytes"] == 0)
            else:
                configure(tmp_path, 3 if serial == 200 else 0)
                running.process.send_signal(signal.SIGHUP)
                until(lambda now, n=serial: now["program"]["reloads"] == n // 100 - 1)  # type: ignore[misc]
        until(lambda now: now["ledger"]["written_events"] == 120)
        last = processes(seen[-1])
        assert running.end() == 0
        assert "stopped: 360 lines, 120 events, " in running.messages

    for before, after in pairwise(seen):
        for group in ("ledger", "program"):
            for key, value in before[group].items():
                if key not in ("lines_in_flight", "workers", "version"):
                    assert after[group][key] >= value, key
        rows = processes(after)
        for name, row in processes(before).items():
            for key in ("events", "lines", "batches", "cpu_user_seconds", "failures", "restarts"):
                if name in rows and key in row and key in rows[name]:
                    assert rows[name][key] >= row[key], (name, key)
    assert [*last] == ["ingest"]
    assert seen[-1]["program"]["workers"] == 0
    with_three = next(found for found in seen if found["program"]["workers"] == 3)
    by_name = processes(with_three)
    assert by_name["worker-2"]["failures"] == 1
    assert by_name["worker-1"]["failures"] == 0


def test_for_people(tmp_path: Path) -> None:
    """As text and as JSON, by the configuration or by the socket."""
    config = configure(tmp_path, 0, top="marker = 'here'")
    with plugin(config) as running:
        running.give(eoe(1) + event(7))
        served(tmp_path)
        wait_until(lambda: status(tmp_path)["ledger"]["events"] == 1, "it is decoded", 20)
        text = run("-c", config)
        as_json = run("--json", "--socket", tmp_path / "status.sock")
        assert running.end() == 0
    gone = run("-c", config)

    assert text.returncode == as_json.returncode == 0
    assert "LEDGER: The account of all input lines." in text.stdout
    assert re.search(r"^  lines +4$", text.stdout, re.MULTILINE)
    assert re.search(r"^  marker +here$", text.stdout, re.MULTILINE)
    assert json.loads(as_json.stdout)["ledger"]["lines"] == 4
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == f"laurel-mp: no laurel-mp runs: there is no {tmp_path}/status.sock\n"


def test_no_configuration(tmp_path: Path) -> None:
    """A configuration that is not there, and one without a socket, are reported as such."""
    config = configure(tmp_path, 0, sections="[status]\nsocket = ''")
    none = run("-c", config)
    missing = run("-c", tmp_path / "missing.toml")

    assert none.returncode == 1
    assert "no status socket: [status] socket is empty" in none.stderr
    assert missing.returncode == 2
    assert missing.stderr == f"laurel-mp: {tmp_path}/missing.toml: no such file\n"


def test_no_configuration_at_all() -> None:
    """Without an installed configuration the socket has to be named."""
    if Path("/etc/laurel-mp/config.toml").exists():
        pytest.skip("it is installed here")
    found = run()

    assert found.returncode == 2
    assert "name one with -c, or the socket with --socket" in found.stderr


def test_something_else_listens(tmp_path: Path) -> None:
    """Something else at the socket is said to be that, and what does not answer at all."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(2)
        silent = run("--socket", path)
        asked = subprocess.Popen(
            [*COMMAND, "status", "--socket", path], stderr=subprocess.PIPE, text=True
        )
        for _ in range(2):  # the first one waits no longer
            connection, _ = listener.accept()
            with suppress(BrokenPipeError):
                connection.sendall(b"\x1b[2J what?")
            connection.close()
        _, other = asked.communicate(timeout=60)
    refused = run("--socket", path)

    assert silent.stderr == f"laurel-mp: {path}: no answer within 2 s\n"
    assert other.startswith("laurel-mp: not a status document of laurel-mp")
    assert "\x1b" not in other
    assert refused.stderr == f"laurel-mp: no laurel-mp runs: no answer at {path}\n"
    assert silent.returncode == asked.returncode == refused.returncode == 1


def test_others_may_not_ask() -> None:
    """The socket is its user's own, and who may not connect is told why."""
    root()

    def asked() -> str:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            return ask(path).decode()
        except StatusError as error:
            return str(error)

    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        path = Path(directory, "status.sock")
        with plugin(configure(Path(directory))) as running:
            served(path.parent)
            mode = stat.S_IMODE(path.lstat().st_mode)
            answer = in_child(asked)
            assert running.end() == 0

    assert mode == 0o600
    assert answer == (
        f"{path}: permission denied: only root and the user that laurel-mp runs as may ask"
    )


def test_while_an_output_takes_nothing(tmp_path: Path) -> None:
    """Status is there when it is needed most, with all in one process too, and says why."""
    os.mkfifo(tmp_path / "events")
    config = configure(tmp_path, 0, sections='[auditlog]\nfile = "events"')
    with plugin(config) as running:
        running.give(eoe(1) + event(7))
        served(tmp_path)
        wait_until(lambda: _waits(tmp_path) == 1, "it waits", 20)
        found = status(tmp_path)
        read = os.open(tmp_path / "events", os.O_RDONLY | os.O_NONBLOCK)
        wait_until(lambda: _drained(read) and _waits(tmp_path) == 0, "it continues", 20)
        assert running.end() == 0
        os.close(read)

    assert f"{tmp_path}/events" in found["input"]["output_waits_for"]
    assert found["input"]["in_flight_bytes"] > 0
    assert found["input"]["lag_seconds"] > 0


def _waits(directory: Path) -> object:
    return status(directory)["input"]["output_waits"]


def _drained(pipe: int) -> bool:
    """Read what is in a pipe."""
    with suppress(BlockingIOError):
        os.read(pipe, 1 << 16)
    return True


def test_who_does_not_read_holds_nothing_up(tmp_path: Path) -> None:
    """A hundred that connect and go silent, and others that send garbage, make no difference."""
    with plugin(configure(tmp_path, 0)) as running:
        served(tmp_path)
        clients = []
        for number in range(100):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            if client.connect_ex(str(tmp_path / "status.sock")) == 0 and number % 2:
                client.send(b"garbage\0\xff" * 100)
            clients.append(client)
        running.give(eoe(1) + event(7))
        wait_until(lambda: numbers(tmp_path / "audit.log") == [7], "it is written")
        for client in clients:
            client.close()
        served(tmp_path)
        assert running.end() == 0


def test_idle(tmp_path: Path) -> None:
    """No process wakes up while nothing happens."""
    with plugin(configure(tmp_path, 2)) as running:
        running.give(eoe(1) + event(7))
        served(tmp_path)
        wait_until(lambda: status(tmp_path)["input"]["window_bytes"] == 0, "all is covered", 20)
        watched = [*titles(running.process).values(), psutil.Process(running.process.pid)]
        wait_until(lambda: _sleep(watched), "some seconds pass without a wake-up", 60)
        assert running.end() == 0


def _sleep(watched: list[psutil.Process]) -> bool:
    """True if no process woke up for some seconds."""
    before = _switches(watched)
    time.sleep(3)
    return _switches(watched) == before


def _switches(processes: list[psutil.Process]) -> int:
    return sum(each.num_ctx_switches().voluntary for each in processes)

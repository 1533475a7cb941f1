"""`laurel-mp bench` as a user meets it."""

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.support.commands import COMMAND
from tests.support.peers import events, peer_program
from tests.support.waiting import wait_until


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    command = [*COMMAND, "bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=100, text=True)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A small capture."""
    path = tmp_path / "capture.txt"
    path.write_bytes(events(500))
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Directory for files of the benchmark, empty before and after."""
    path = tmp_path / "place"
    path.mkdir()
    return path


def test_json(capture: Path, place: Path, tmp_path: Path) -> None:
    """Several workloads, a peer and two worker counts: all runs of all are there."""
    program = peer_program(tmp_path)

    done = bench(
        *(capture, "--replay", capture, "--lines", 1500, "--flood", "--events", 300, "--seed", 3),
        *("--workers", "0,1", "--peer", program, "--runs", 1, "--dir", place, "--json"),
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert (document["bench"], document["versions"]) == (2, {"peer": "7.8.9"})
    assert document["machine"]["cpus"] == len(os.sched_getaffinity(0))
    file, replay, flood = document["results"]
    assert file["workload"] == {
        "name": "capture.txt",
        "lines": 1000,
        "bytes": capture.stat().st_size,
    }
    assert (replay["workload"]["name"], replay["workload"]["lines"]) == (
        "replay of capture.txt",
        2000,
    )
    assert flood["workload"]["name"].startswith("flood, unique ")
    for result in document["results"]:
        assert (result["mode"], result["rate"]) == ("convert", None)
        first, *ours = result["candidates"]
        assert [first["name"], *(each["name"] for each in ours)] == [
            "peer",
            "laurel-mp -w 0",
            "laurel-mp -w 1",
        ]
        assert first["ratios"] == {}
        assert all(set(each["ratios"]) == {"wall", "cpu"} for each in ours)
        for each in (first, *ours):
            (run,) = each["runs"]
            assert run["lines"] == result["workload"]["lines"]
            assert each["figures"]["wall"]["median"] == run["wall"]
            assert all(cost >= 0 for cost in each["costs"].values())
        assert any("one run of each" in warning for warning in result["warnings"])
    assert [each["events"] for each in file["candidates"]] == [[500]] * 3
    assert not list(place.iterdir())


def test_table(capture: Path, place: Path) -> None:
    """Live, at a rate, with latencies; what it was measured on stands above it."""
    done = bench(
        *(capture, "--mode", "live", "--rate", 2000, "--workers", "0,2", "--runs", 1),
        *("--dir", place),
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("On ")
    assert "capture.txt: 1000 lines" in done.stdout
    assert "live, as a plugin at 2000 events/s" in done.stdout
    for text in ("laurel-mp -w 0", "laurel-mp -w 2", "p99 ms", "worker 2/2", "Warning: one run"):
        assert text in done.stdout
    assert not list(place.iterdir())


def test_costs(capture: Path, place: Path) -> None:
    """Live, as fast as possible: CPU time per event of each stage, and the model."""
    done = bench(
        *(capture, "--mode", "live", "--workers", "0,1", "--runs", 1, "--dir", place),
    )

    assert (done.returncode, done.stderr) == (0, "")
    costs, models = (
        [line for line in done.stdout.splitlines() if line.startswith(start)]
        for start in ("CPU time per event of ", "Model, ")
    )
    assert "all in one" in costs[0]
    assert all(f"{stage} " in costs[1] for stage in ("ingest", "workers", "tracker", "writer"))
    assert [line.split()[1] for line in models] == ["4", "16", "64"]


@pytest.mark.parametrize("has_input", [False, True])
def test_idle(capture: Path, place: Path, *, has_input: bool) -> None:
    """A plugin at rest, with nothing to do or behind its input: hardly any CPU time."""
    done = bench(
        *([capture] if has_input else []),
        *("--mode", "idle", "--seconds", 0.5, "--workers", "0", "--runs", 1, "--dir", place),
        "--json",
    )

    assert (done.returncode, done.stderr) == (0, "")
    (result,) = json.loads(done.stdout)["results"]
    (candidate,) = result["candidates"]
    (run,) = candidate["runs"]
    assert (run["lines"], run["events"]) == ((1000, 500) if has_input else (0, 0))
    assert run["wall"] == pytest.approx(0.5, abs=0.3)
    assert 0 <= candidate["figures"]["cores"]["median"] < 0.2
    assert candidate["figures"]["memory"]["median"] > 5 << 20
    assert not list(place.iterdir())


def test_failing_peer(capture: Path, place: Path, tmp_path: Path) -> None:
    """A peer that fails ends it with one line."""
    program = peer_program(tmp_path, "#!/bin/sh\necho it is broken >&2\nexit 3\n")

    done = bench(capture, "--peer", program, "--dir", place)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "laurel-mp: peer: exit status 3: it is broken\n"
    assert not list(place.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt(number: signal.Signals, place: Path, tmp_path: Path) -> None:
    """Whatever it is doing, an interrupt ends all processes and removes all files."""
    path = tmp_path / "capture.txt"
    path.write_bytes(events(5000))
    command = [*COMMAND, "bench", str(path), "--workers", "2", "--mode", "live", "--rate", "100"]
    with subprocess.Popen([*command, "--dir", str(place)], stderr=subprocess.PIPE) as process:
        children = set[psutil.Process]()

        def is_at_work() -> bool:
            children.update(psutil.Process(process.pid).children(recursive=True))
            return any(log.stat().st_size for log in place.glob("*/*/audit.log"))

        wait_until(is_at_work, "events are written", 30)
        process.send_signal(number)
        assert process.stderr
        said = process.stderr.read()

    assert (process.returncode, said) == (128 + number, b"")
    assert len(children) >= 5
    psutil.wait_procs(children, timeout=20)
    assert not any(child.is_running() for child in children)
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "0"], "--runs: at least 1"),
        (["--rate", "10"], "--rate: with --mode live only"),
        (["--lines", "10"], "--lines: with --replay only"),
        (["--dir", "/no/such"], "--dir: /no/such is no directory"),
        (["--workers", "1,x"], "expected numbers from 0 to 256: '1,x'"),
        (["--mode", "x"], "argument --mode"),
        (["--unique", "2"], "expected a number from 0 to 1"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    """It says what is wrong, and measures nothing."""
    done = bench(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["/no/such/file"],
            "laurel-mp: /no/such/file: cannot be read: No such file or directory\n",
        ),
        (
            ["--replay", "/no/such/file"],
            "laurel-mp: /no/such/file: cannot be read: No such file or directory\n",
        ),
        (["--peer", "no-such"], "laurel-mp: no-such is not installed, or cannot be run\n"),
    ],
)
def test_nothing_to_measure(arguments: list[str], message: str, place: Path) -> None:
    """A missing input or program is named in one line."""
    done = bench(*arguments, "--dir", place)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
    assert not list(place.iterdir())

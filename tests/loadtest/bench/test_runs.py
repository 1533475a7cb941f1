"""Runs of real programs, and what is measured of them."""

import sys
from pathlib import Path

import pytest

from laurel_mp.errors import LaurelError
from laurel_mp.loadtest.bench.candidates import Candidate, Mode, ours, peer
from laurel_mp.loadtest.bench.run_measures import Measures
from laurel_mp.loadtest.bench.runs import RunError, run
from laurel_mp.loadtest.bench.workloads import Workload
from tests.support.commands import all_children
from tests.support.peers import events, peer_program

NUMBER = 2000


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    """Some thousand lines."""
    path = tmp_path / "capture.txt"
    path.write_bytes(events(NUMBER))
    return Workload.of(path)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Directory for files of the runs."""
    path = tmp_path / "place"
    path.mkdir()
    return path


def is_plausible(measures: Measures) -> bool:
    """True if the figures of a run are consistent."""
    used = sum(measures.shares.values()) * measures.wall
    return (
        measures.wall > 0
        and measures.cpu > 0
        and used <= 1.1 * measures.cpu + 0.02
        and measures.others >= 0
        and (measures.lines, measures.events) == (2 * NUMBER, NUMBER)
        and measures.lines_per_second == 2 * measures.events_per_second
    )


@pytest.mark.parametrize("mode", [Mode.CONVERT, Mode.LIVE])
@pytest.mark.parametrize("workers", [0, 2])
def test_ours(mode: Mode, workers: int, workload: Workload, place: Path) -> None:
    """All processes of ours are seen, and none of their files stays."""
    measures = run(ours(workers), workload, mode, place)

    assert is_plausible(measures), measures
    assert measures.memory is not None
    assert 5 << 20 < measures.memory < 1 << 30
    names = {"ingest"} | all_children(workers) if workers else {"all in one"}
    # A conversion of so few lines may be over before the last process has got its title.
    assert set(measures.shares) == names if mode is Mode.LIVE else set(measures.shares) <= names
    assert measures.latency is None
    assert not list(place.iterdir())


@pytest.mark.parametrize("workers", [0, 1])
def test_latency(workers: int, workload: Workload, place: Path) -> None:
    """At a rate, the latency of each event is known."""
    measures = run(ours(workers), workload, Mode.LIVE, place, rate=4000)

    assert measures.latency is not None
    assert measures.latency.missing == 0
    assert 0 < measures.latency.p50 <= measures.latency.p99 <= measures.latency.most
    assert measures.wall > NUMBER / 4000


@pytest.mark.parametrize("mode", [Mode.CONVERT, Mode.LIVE])
def test_peer(mode: Mode, workload: Workload, place: Path, tmp_path: Path) -> None:
    """A peer gets the same lines on its standard input."""
    program = peer(str(peer_program(tmp_path)))

    measures = run(program, workload, mode, place, rate=4000 if mode is Mode.LIVE else None)

    assert program.version() == "7.8.9"
    assert is_plausible(measures), measures
    assert "peer" in measures.shares
    assert (measures.latency is not None) == (mode is Mode.LIVE)


def test_laurel(requires_laurel: Path, workload: Workload, place: Path) -> None:
    """LAUREL accepts the configuration, and does the same work."""
    assert is_plausible(run(peer(str(requires_laurel)), workload, Mode.CONVERT, place))


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("#!/bin/sh\necho broken >&2\nexit 3\n", Mode.CONVERT, "peer: exit status 3: broken"),
        ("#!/bin/sh\necho broken >&2\nexit 3\n", Mode.LIVE, "peer: exit status 3: broken"),
        ("#!/bin/sh\nkill -9 $$\n", Mode.CONVERT, "peer: signal 9"),
        ("#!/bin/sh\nexit 0\n", Mode.CONVERT, "peer: has written nothing; does it read LAUREL's"),
        ("#!/bin/sh\nexit 0\n", Mode.LIVE, "peer: ended before it was given anything"),
        ("#!/bin/sh\nhead -c 100 >/dev/null\nexit 4\n", Mode.LIVE, "peer: exit status 4"),
        ("#!/bin/sh\nhead -c 100 >/dev/null\nexit 0\n", Mode.LIVE, "peer: does not read any more"),
        ("#!/no/such/interpreter\n", Mode.CONVERT, "peer: No such file"),
    ],
)
def test_failing_peer(
    text: str, mode: Mode, message: str, workload: Workload, place: Path, tmp_path: Path
) -> None:
    """A candidate that fails is an error that says why, in one line, and leaves nothing."""
    with pytest.raises(RunError) as raised:
        run(peer(str(peer_program(tmp_path, text))), workload, mode, place)

    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert not list(place.iterdir())


def test_missing_peer() -> None:
    """A peer that is not there is an error that names it."""
    with pytest.raises(LaurelError, match="no-such-laurel is not installed"):
        peer("no-such-laurel")


def test_settings_of_the_pipeline(tmp_path: Path) -> None:
    """Settings are those of the configuration; a peer gets none of them."""
    candidate = ours("auto", {"linger-ms": 5})
    candidate.command(tmp_path, Mode.LIVE, tmp_path)

    assert '[pipeline]\nworkers = "auto"\nlinger-ms = 5\n' in (tmp_path / "config.toml").read_text()
    Candidate("peer", sys.executable).command(tmp_path, Mode.LIVE, tmp_path)
    assert "[pipeline]" not in (tmp_path / "config.toml").read_text()


def test_children_count(workload: Workload, place: Path, tmp_path: Path) -> None:
    """CPU time of children's children counts."""
    busy = (
        "#!/bin/sh\nsh -c \"python3 -c 'import time\nwhile time.process_time() < 0.5: pass'; "
        'true"\ndirectory=$(sed -n \'s/^directory = "\\(.*\\)"/\\1/p\' "$2")\n'
        'echo > "$directory/audit.log"\n'
    )
    measures = run(peer(str(peer_program(tmp_path, busy))), workload, Mode.CONVERT, place)

    assert measures.cpu > 0.4

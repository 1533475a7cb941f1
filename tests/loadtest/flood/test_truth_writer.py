"""The truth of a flood agrees with the output of the pipeline."""

from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given

from laurel_mp.config import Config, load
from laurel_mp.loadtest.flood import Flood, Options, Tree, mix, population, truth_configuration
from tests.support.floods import FEW, differences, options_of_floods, read_truth
from tests.support.pipelines import run


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The configuration that the truth presumes."""
    path: Path = tmp_path_factory.mktemp("flood") / "config.toml"
    path.write_text(truth_configuration.text())
    path.chmod(0o600)
    return load(path)


def check(options: Options, config: Config, workers: int = 0) -> None:
    """The pipeline counts each line, and finds what the truth says."""
    written: list[bytes] = []
    done = run(Flood(options, written.append).chunks(), workers, config)

    _, truth = read_truth(b"".join(written))
    assert done.counters["malformed"] == done.counters["duplicate"] == 0
    assert sum(event["lines"] for event in truth) == done.counters["lines"]
    assert len(truth) == options.events
    assert differences(truth, done.text.splitlines()) == []


@given(options=options_of_floods())
@FEW
def test_pipeline_finds_the_truth(config: Config, options: Options) -> None:
    """Parents, labels, order, arguments: for any options."""
    check(options, config, workers=options.seed % 3)


@pytest.mark.no_cover  # for its size
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("interleave", [1, 6])
def test_long_floods(config: Config, workers: int, interleave: int) -> None:
    """Also when pids have come again several times, and orphans have been handed on."""
    with patch.object(population, "MAX_PID", 1000):
        options = Options(
            events=8000, mix=mix.ALL, tree=Tree(200, 12, 6), interleave=interleave, unique=0.1
        )
        check(options, config, workers)


@pytest.fixture(scope="module")
def truth() -> list[dict[str, object]]:
    """The truth of a flood."""
    written: list[bytes] = []
    flood = Flood(Options(events=20_000, mix=mix.ALL, interleave=3), written.append)
    for _ in flood.chunks():
        pass
    _, events = read_truth(b"".join(written))
    return events


def test_there_is_something_to_find(truth: list[dict[str, object]]) -> None:
    """Each label, orphans, forks that come back late, processes whose parent is not known."""
    labels = {label for event in truth for label in event.get("labels", [])}  # type: ignore[attr-defined]
    assert labels == {*truth_configuration.KEYS, *truth_configuration.EXECUTABLES.values()}
    calls = [event for event in truth if "pid" in event]
    assert 0 < sum(event["parent"] is None for event in calls) < len(calls) / 20
    assert {"clone", "vfork", "execve", "exit_group"} <= {event["syscall"] for event in calls}
    own = [event for event in calls if event["kind"] == "exec" and event["spawned_by"]]
    again = [event for event in own if event["spawned_by"]["pid"] == event["pid"]]  # type: ignore[index]
    assert again
    assert len(again) < len(own)


def test_header() -> None:
    """The first line says which flood it is of, and which labels it presumes."""
    written: list[bytes] = []
    Flood(Options(events=3, seed=7, node="n", tree=Tree(50, 3, 4)), written.append)

    header, _ = read_truth(b"".join(written))
    assert header["truth"] == 1
    assert header["options"]["seed"] == 7
    assert header["options"]["tree"] == {"processes": 50, "depth": 3, "fanout": 4}
    assert header["options"]["mix"] == mix.DEFAULT
    assert header["labels"]["label-keys"] == ["net_tool", "software_mgmt"]


def test_ends() -> None:
    """The end of each event; io_uring events have none without EOE records."""
    kinds = {"uring": 1.0, "login": 1.0, "exec": 1.0}
    ends = {}
    for eoe in (True, False):
        written: list[bytes] = []
        for _ in Flood(Options(events=500, mix=kinds, eoe=eoe), written.append).chunks():
            pass
        events = read_truth(b"".join(written))[1]
        ends[eoe] = {(event["kind"], "syscall" in event): event["end"] for event in events}
    both = {("login", False): "single"}
    assert ends[True] == both | {
        ("uring", False): "eoe",
        ("exec", True): "eoe",
        ("login", True): "eoe",
    }
    assert ends[False] == both | {
        ("uring", False): "timeout",
        ("exec", True): "proctitle",
        ("login", True): "proctitle",
    }

"""Each target with a fixed seed, for as many inputs as take some seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import TARGETS as NAMES
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parent.parent.parent

# About ten seconds each, on a machine that does other things meanwhile.
RUNS = {
    "headers": 6000,
    "records": 1500,
    "streams": 500,
    "configurations": 1200,
    "states": 500,
    "snapshots": 700,
}


def fuzz(target: str, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run one target in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.child", target, "--directory", directory, *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def test_all_targets_are_known() -> None:
    """The command, which runs before anything is installed, names the targets that there are."""
    assert set(TARGETS) == set(NAMES) == set(RUNS)


@pytest.mark.parametrize("target", NAMES)
def test_target(target: str, tmp_path: Path) -> None:
    """Nothing is found from a fixed seed; a longer hunt is `python3 -m tests.fuzz`."""
    done = fuzz(target, tmp_path, "--runs", str(RUNS[target]), "--seed", "1")

    assert done.returncode == 0, done.stderr[-3000:]
    assert f"stat::number_of_executed_units: {RUNS[target]}" in done.stderr


@pytest.mark.parametrize("target", NAMES)
def test_seeds(target: str) -> None:
    """Seeds fit into the target's limit, and are the same each time."""
    seeds = list(TARGETS[target].seeds())

    assert len(set(seeds)) > 40
    assert seeds == list(TARGETS[target].seeds())
    assert all(len(seed) <= TARGETS[target].longest for seed in seeds)

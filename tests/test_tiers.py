"""The tiers of `python3 -m tests`: each test is in one, and each failure is in the exit status."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.__main__ import SYSTEM

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("path", SYSTEM)
def test_paths_exist(path: str) -> None:
    """Paths that one tier leaves out are in the other."""
    assert (ROOT / path).exists()


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, on some tests."""
    return subprocess.run(
        [sys.executable, "-m", "tests", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A test that passes, and one that fails."""
    path = tmp_path / "test_some.py"
    path.write_text("def test_right(): pass\ndef test_wrong(): assert False\n")
    return path


def test_a_failure_is_one(module: Path) -> None:
    """It is in the exit status, and in the last line."""
    done = run("unit", module, "-n0")

    assert done.returncode == 1
    failed, summary = done.stdout.splitlines()[-2:]
    assert failed == "== FAILED: unit"
    assert summary.startswith("== 1 failed, 1 passed in ")


def test_some_must_be_picked(module: Path) -> None:
    """If no test has the name that is asked for, that is a failure."""
    done = run("unit", module, "-n0", "-k", "nothing")

    assert done.returncode == 1
    failed, summary = done.stdout.splitlines()[-2:]
    assert failed == "== FAILED: no tests"
    assert summary.startswith("== no tests in ")

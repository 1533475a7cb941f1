"""Outputs that fail for a while, with the real things; at full length: `python3 -m tests.chaos`."""

from pathlib import Path

import pytest

from tests.chaos import outputs
from tests.chaos.offline import Expected

WORKERS = pytest.mark.parametrize("workers", [0, 2])


@WORKERS
def test_full_disk(expected: Expected, tmp_path: Path, workers: int, requires_root: None) -> None:
    """L1: a disk that is full is waited for, again and again, and nothing is lost or torn."""
    outputs.full_disk(expected, tmp_path, workers)


@WORKERS
def test_dying_program(expected: Expected, tmp_path: Path, workers: int) -> None:
    """L1, S11: what a program that ended had not read, the next one gets, from a whole line on."""
    outputs.dying_program(expected, tmp_path, workers, 0.6)


@WORKERS
def test_restarting_server(expected: Expected, tmp_path: Path, workers: int) -> None:
    """L9: a server that hangs up and comes back misses no line."""
    outputs.restarting_server(expected, tmp_path, workers, 0.6)


@WORKERS
def test_pausing_fifo(expected: Expected, tmp_path: Path, workers: int) -> None:
    """A reader that pauses gets everything when it resumes."""
    outputs.pausing_fifo(expected, tmp_path, workers, 2.0)

"""A line on which workers crash does not stop the others."""

from pathlib import Path

import pytest

from tests.chaos import poison
from tests.chaos.offline import Expected


@pytest.mark.parametrize("workers", [1, 2])
def test_lines(expected: Expected, tmp_path: Path, workers: int) -> None:
    """Lines on which each worker crashes end in the log of malformed lines, all others come out."""
    poison.poisonous_lines(expected, tmp_path, workers)


def test_events(expected: Expected, tmp_path: Path) -> None:
    """The same for events on which workers crash long after their lines came in."""
    poison.poisonous_events(expected, tmp_path, 2)

"""A line on which workers crash does not stop the others."""

from pathlib import Path

from tests.chaos import poison
from tests.chaos.offline import Expected


def test_lines(expected: Expected, tmp_path: Path) -> None:
    """A line on which each worker crashes ends with the malformed ones, all others come out."""
    poison.poisonous_lines(expected, tmp_path, workers=1, count=1)


def test_events(expected: Expected, tmp_path: Path) -> None:
    """The same for an event on which workers crash long after its first line came in."""
    poison.poisonous_events(expected, tmp_path, workers=2, count=1)

"""A plugin continues where the one before it ended."""

from pathlib import Path

import pytest

from tests.chaos import restart
from tests.chaos.offline import Expected


def test_terminated(expected: Expected, tmp_path: Path) -> None:
    """Ended by SIGTERM in the middle, whatever the next one's worker count: as if never ended."""
    restart.terminated(expected, tmp_path)


@pytest.mark.parametrize("workers", [0, 2])
def test_killed(expected: Expected, tmp_path: Path, workers: int) -> None:
    """Ended by SIGKILL: only input since the last state is missing, and nothing comes twice."""
    restart.killed(expected, tmp_path, workers)

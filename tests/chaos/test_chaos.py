"""A plugin that is disturbed in all ways gives what an undisturbed one gives."""

from pathlib import Path

import pytest

from tests.chaos.offline import Expected
from tests.chaos.run import run

SEED = 20


@pytest.mark.parametrize("workers", [0, 2])
def test_undisturbed(expected: Expected, tmp_path: Path, workers: int) -> None:
    """Live or offline, the bytes are the same: what the other tests rest on."""
    run(expected, tmp_path, workers=workers, seed=SEED, disturbances=0, rate=50e6)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_disturbed(expected: Expected, tmp_path: Path, workers: int) -> None:
    """Killed, stopped, reloaded and rotated: each event comes out once, in order."""
    print(run(expected, tmp_path, workers=workers, seed=SEED, disturbances=12, rate=2e6))

"""What tests of installations share."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.machine import CHECKOUT


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with wheels of the program and of all that it needs."""
    directory = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--wheel-dir", directory, CHECKOUT], check=True)
    return directory

"""What tests of installations share."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import CHECKOUT, Machine, machine_with_auditd


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with wheels of the program and of all that it needs."""
    directory = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--wheel-dir", directory, CHECKOUT], check=True)
    return directory


@pytest.fixture
def host(requires_auditd: None, tmp_path: Path) -> Iterator[Machine]:
    """A machine with Debian's auditd, of which nothing runs before or after."""
    with machine_with_auditd(tmp_path) as found:
        # Nor has anything that reads events along.
        for plugin in found.path("/etc/audit/plugins.d").iterdir():
            plugin.write_text(plugin.read_text().replace("active = yes", "active = no"))
        yield found

"""Fixtures for tests of installations."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import CHECKOUT, Machine, machine_with_auditd


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with wheels of the program and of all that it needs; workers share it."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    directory /= "wheels"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            made = directory.with_suffix(".made")
            subprocess.run([*pip, "wheel", "--wheel-dir", made, CHECKOUT], check=True)
            made.rename(directory)
    return directory


@pytest.fixture
def host(requires_auditd: None, tmp_path: Path) -> Iterator[Machine]:
    """A machine with Debian's auditd, of which nothing runs before or after."""
    with machine_with_auditd(tmp_path) as found:
        # Nor has anything that reads events along.
        for plugin in found.path("/etc/audit/plugins.d").iterdir():
            plugin.write_text(plugin.read_text().replace("active = yes", "active = no"))
        yield found

"""What tests of installations share."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import auditd
from tests.support.machine import CHECKOUT, Machine, machine
from tests.support.waiting import wait_until


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
    with auditd.alone(), machine(tmp_path) as found:
        # Nor has anything that reads events along.
        for plugin in found.path("/etc/audit/plugins.d").iterdir():
            plugin.write_text(plugin.read_text().replace("active = yes", "active = no"))
        # No test may make this machine wait.
        found.path("/etc/audit/rules.d/audit.rules").write_text(auditd.HARMLESS)
        try:
            yield found
        finally:
            found.run("auditctl -D || true; auditctl -e 0 || true")
            # Not by its service: a plugin that could not be started takes auditd's pid file along.
            pid = _auditd(found)
            if pid:
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda: not Path(f"/proc/{pid}").exists(), "auditd ends")


def _auditd(host: Machine) -> int:
    """The process that the kernel gives records to; 0 if there is none."""
    found = re.search(r"^pid (\d+)$", host.run("auditctl -s"), re.MULTILINE)
    assert found
    return int(found[1])

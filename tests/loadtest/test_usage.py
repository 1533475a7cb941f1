"""CPU time of processes, as the kernel counts it."""

import os
import subprocess
import sys
import time

import pytest

from laurel_mp.loadtest.usage import cpu_seconds, pss_bytes, tree


def test_own_time() -> None:
    """The CPU time of this process is what it knows itself."""
    before = time.process_time()
    found = cpu_seconds(os.getpid())
    assert before <= found <= time.process_time()


def test_nobody() -> None:
    """A process that has ended has no CPU time."""
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(OSError, match="Invalid argument"):
        cpu_seconds(process.pid)


def test_tree() -> None:
    """A process, its children and theirs."""
    script = "import subprocess; subprocess.run(['sh', '-c', 'echo; read x; true'])"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
    found = tree(process.pid)
    assert found[0] == process.pid
    assert len(found) == 2
    assert all(pss_bytes(pid) > 100_000 for pid in found)
    process.communicate()

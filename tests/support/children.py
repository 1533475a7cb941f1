"""Child processes that a test leaves behind."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

# What the standard library starts once and keeps to the end: the fork server and the tracker of
# shared resources. Their own children count.
_KEPT = ("multiprocessing.forkserver", "multiprocessing.resource_tracker")

# Children that were told to end may still be on their way.
GRACE = 2.0


def descendants() -> set[int]:
    """Process ids of all descendants of this process, zombies too.

    From proc_pid_task(5): 0.01 ms. psutil reads `stat` of every process of the machine, 5 ms where
    there are many, and each test asks twice.
    """
    found = [os.getpid()]
    for pid in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_bytes().split())
    return set(found[1:])


def leaked_since(before: set[int]) -> list[str]:
    """End the children that are there now and were not `before`, and say what they are."""
    deadline = time.monotonic() + GRACE
    while (new := _new(before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    descriptions = sorted(_describe(child) for child in new)
    for child in new:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child.pid, 0)
    return descriptions


@contextlib.contextmanager
def no_leaks() -> Iterator[None]:
    """Fail if the block leaves a child behind."""
    before = descendants()
    yield
    leaked = leaked_since(before)
    assert not leaked, "child processes left behind: " + "; ".join(leaked)


def _new(before: set[int]) -> list[psutil.Process]:
    """Descendants that were not there `before`, but for what the standard library keeps."""
    found = []
    for pid in descendants() - before:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return [child for child in found if not _kept(child)]


def _kept(child: psutil.Process) -> bool:
    try:
        return any(name in part for part in child.cmdline() for name in _KEPT)
    except psutil.ZombieProcess:
        return False
    except psutil.NoSuchProcess:
        return True


def _describe(child: psutil.Process) -> str:
    try:
        title = " ".join(child.cmdline()) or child.name()
        return f"{child.pid} {title[:200]} ({child.status()})"
    except psutil.ZombieProcess:
        return f"{child.pid} ended, but its parent did not wait for it"
    except psutil.NoSuchProcess:
        return f"{child.pid} ended just now"

"""Reads CPU time (in nanoseconds) and memory (shared pages once) of processes."""

from __future__ import annotations

import time
from pathlib import Path

_SCHED = 2  # CPUCLOCK_SCHED in linux/posix-timers_types.h: what the scheduler counts


def tree(pid: int) -> list[int]:
    """Returns a process and its living descendants."""
    found = [pid]
    for parent in found:
        for task in _tasks(parent):
            try:
                children = (task / "children").read_text().split()
            except OSError:
                continue  # it has ended
            found += map(int, children)
    return found


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time of a process, ended threads included.

    The clock is that of clock_getcpuclockid(3): /proc/PID/stat counts in steps of 10 ms only.
    Raises OSError if there is no such process.
    """
    return time.clock_gettime(~pid << 3 | _SCHED)


def pss_bytes(pid: int) -> int:
    """Returns the memory of a process; a page shared by n processes counts as an n-th.

    Raises OSError if there is no such process, or access is denied.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))
    return int(kib) * 1024

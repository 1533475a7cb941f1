"""What processes have used: CPU time to the nanosecond, and memory with shared pages once."""

from __future__ import annotations

import time
from pathlib import Path

_SCHED = 2  # CPUCLOCK_SCHED in linux/posix-timers_types.h: what the scheduler counts


def tree(pid: int) -> list[int]:
    """A process and all that descend from it, as far as they live."""
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
    """The CPU time that a process has used, with that of threads that have ended.

    The clock is that of clock_getcpuclockid(3): /proc/PID/stat counts in steps of 10 ms only.
    Raises OSError if there is no such process.
    """
    return time.clock_gettime(~pid << 3 | _SCHED)


def pss_bytes(pid: int) -> int:
    """The memory of a process, where a page that n of them share counts an n-th.

    Raises OSError if there is no such process, or if one may not look at it.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))
    return int(kib) * 1024


def title(pid: int) -> str:
    """How a process calls itself."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "gone"
    text = b" ".join(words).decode(errors="replace")
    return text.removeprefix("laurel-mp: ") if text.startswith("laurel-mp: ") else "ingest"

"""Looks at all processes of a run, again and again, while it lasts."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from laurel_mp.loadtest.usage import cpu_seconds, pss_bytes, tree

INTERVAL = 0.05
"""Seconds between looks: what a process does after the last one is not seen."""

MEMORY_INTERVAL = 0.2
"""The kernel counts every page for this, so it is done less often."""

_OURS = "laurel-mp: "

_TICKS = os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """CPU seconds of this machine since it started, all CPUs, with what a hypervisor took."""
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, file.readline().split()[1:9]
        )
    return (user + nice + system + irq + softirq + steal) / _TICKS


class Sampler:
    """Follows a process and all that descend from it, in a thread, from its making to `stop`."""

    def __init__(self, pid: int, first_title: str) -> None:
        self._pid = pid
        self._first_title = first_title
        self._cpu: dict[int, float] = {}
        self._titles: dict[int, str] = {}
        self._memory: int | None = None
        self._may_look = True
        self._memory_due = 0.0
        self._stopped = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it; what it has seen stays."""
        self._stopped.set()
        self._thread.join()

    def begin(self) -> None:
        """Forgets the memory that was used until now."""
        self._memory, self._memory_due = None, 0.0
        self._look()

    @property
    def memory(self) -> int | None:
        """The most memory of all processes together that was seen, shared pages once."""
        return self._memory if self._may_look else None

    def cpu(self) -> dict[int, float]:
        """CPU seconds that each process was seen to have used, also of those that have ended."""
        return dict(self._cpu)

    def by_title(self, since: dict[int, float]) -> dict[str, float]:
        """The same by what processes call themselves, without what they had used before."""
        found: dict[str, float] = {}
        for pid, seconds in self.cpu().items():
            name = self._titles[pid]
            if not name:
                continue  # it had ended before it was seen for the first time
            found[name] = found.get(name, 0.0) + seconds - since.get(pid, 0.0)
        return found

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        pids = tree(self._pid)
        for pid in pids:
            with suppress(OSError):  # it has ended
                seconds = cpu_seconds(pid)
                self._titles[pid] = self._title(pid) or self._titles.get(pid, "")
                self._cpu[pid] = seconds
        if self._may_look and time.monotonic() >= self._memory_due:
            self._look_at_memory(pids)
            self._memory_due = time.monotonic() + MEMORY_INTERVAL

    def _look_at_memory(self, pids: list[int]) -> None:
        total = 0
        for pid in pids:
            try:
                total += pss_bytes(pid)
            except PermissionError:
                self._may_look = False
                return
            except (OSError, StopIteration):
                continue  # it has ended
        self._memory = max(self._memory or 0, total) or None

    def _title(self, pid: int) -> str:
        """How a process calls itself; nothing if it has ended, and was not waited for yet."""
        if pid == self._pid:
            return self._first_title
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if words[0].startswith(_OURS):
            return words[0].removeprefix(_OURS).strip()
        return Path(words[0]).name

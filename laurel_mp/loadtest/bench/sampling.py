"""Samples CPU time and memory of all processes of a run."""

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
"""Seconds between samples: CPU time after the last one is not seen."""

MEMORY_INTERVAL = 0.2
"""Seconds between samples of memory, for which the kernel counts every page."""

_OURS = "laurel-mp: "

_TICKS = os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Returns the CPU seconds of this machine since its start, stolen time included."""
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, file.readline().split()[1:9]
        )
    return (user + nice + system + irq + softirq + steal) / _TICKS


class Sampler:
    """Samples a process and its descendants in a thread, until `stop`."""

    def __init__(self, pid: int, first_title: str) -> None:
        self._pid = pid
        self._first_title = first_title
        self._cpu: dict[int, float] = {}
        self._titles: dict[int, str] = {}
        self._memory: int | None = None
        self._has_access = True
        self._memory_due = 0.0
        self._stopped = threading.Event()
        self._sample()
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
        """Stops sampling; the samples stay."""
        self._stopped.set()
        self._thread.join()

    def begin(self) -> None:
        """Forgets the memory that was used until now."""
        self._memory, self._memory_due = None, 0.0
        self._sample()

    @property
    def memory(self) -> int | None:
        """Most memory of all processes together, shared pages once."""
        return self._memory if self._has_access else None

    def cpu(self) -> dict[int, float]:
        """Returns the CPU seconds of each process, ended ones included."""
        return dict(self._cpu)

    def by_title(self, since: dict[int, float]) -> dict[str, float]:
        """Returns the same by title, minus the seconds in `since`."""
        found: dict[str, float] = {}
        for pid, seconds in self.cpu().items():
            name = self._titles[pid]
            if not name:
                continue  # it had ended before its first sample
            found[name] = found.get(name, 0.0) + seconds - since.get(pid, 0.0)
        return found

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._sample()

    def _sample(self) -> None:
        pids = tree(self._pid)
        for pid in pids:
            with suppress(OSError):  # it has ended
                seconds = cpu_seconds(pid)
                self._titles[pid] = self._title(pid) or self._titles.get(pid, "")
                self._cpu[pid] = seconds
        if self._has_access and time.monotonic() >= self._memory_due:
            self._sample_memory(pids)
            self._memory_due = time.monotonic() + MEMORY_INTERVAL

    def _sample_memory(self, pids: list[int]) -> None:
        total = 0
        for pid in pids:
            try:
                total += pss_bytes(pid)
            except PermissionError:
                self._has_access = False
                return
            except (OSError, StopIteration):
                continue  # it has ended
        self._memory = max(self._memory or 0, total) or None

    def _title(self, pid: int) -> str:
        """Returns the title of a process; empty for a zombie."""
        if pid == self._pid:
            return self._first_title
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if words[0].startswith(_OURS):
            return words[0].removeprefix(_OURS).strip()
        return Path(words[0]).name

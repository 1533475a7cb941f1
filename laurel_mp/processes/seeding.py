"""Provides the process table with processes of this host that the stream has not shown."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_mp.processes.process_table import Process
from laurel_mp.processes.procfs import Procfs, Snapshot
from laurel_mp.records.strings import encode


class SystemView:
    """Reads processes for the process table from /proc."""

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs

    def find(self, pid: bytes) -> Process | None:
        """Returns the process with this id; None if it does not exist."""
        snapshot = self._procfs.snapshot(pid)
        return None if snapshot is None else _process(snapshot)

    def processes(self) -> Iterator[Process]:
        """Yields all processes, parents first."""
        return map(_process, self._procfs.processes())


def _process(snapshot: Snapshot) -> Process:
    return Process(
        snapshot.start_time,
        snapshot.pid,
        snapshot.ppid,
        encode(snapshot.comm),
        b"null" if snapshot.exe is None else encode(snapshot.exe),
        container=snapshot.container or b"",
        services=snapshot.services,
        start_time=snapshot.start_time,
        is_init=snapshot.is_init,
        by_start_time=True,
    )

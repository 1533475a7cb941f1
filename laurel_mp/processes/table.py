"""The process table: which program a process is running, from what the stream shows.

A *process instance* is a stretch of a process's life between execs. There is one table for
each node, because process ids of different hosts have nothing to do with each other.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_PROCESSES = 65536
"""Instances in one table. When there are more, the ended ones without living descendants go
first, then the quietest."""

MAX_NODES = 1024
"""Tables. When there are more, that of the node that was quiet longest goes."""

MAX_ANCESTORS = 64
"""Ancestors of a process that are known, nearest first."""

INIT = b"1"


# What the kernel puts behind the path of a file that was removed [kernel: d_path].
_REMOVED = b' (deleted)"'


def _without_mark(exe: bytes) -> bytes:
    """The same for a program before and after its file was removed: an upgrade starts nothing."""
    return exe[: -len(_REMOVED)] + b'"' if exe.endswith(_REMOVED) else exe


@dataclass(slots=True, eq=False)
class Process:
    """A process instance. Process ids are decimal digits; `comm` and `exe` are JSON."""

    id: bytes
    """The id of the event that started it."""
    pid: bytes
    ppid: bytes
    comm: bytes
    exe: bytes
    ancestors: tuple[bytes, ...]
    """Process ids of its parent, the parent's parent, and so on, when it started."""
    origin: Process | None
    """The instance that this process was before its exec, or else its parent; without the
    origin's own origin, so that no chain grows."""
    used: int
    """When it was last heard of; later is more."""
    ended: bool = False


class ProcessTable:
    """The processes of one node by process id."""

    def __init__(self) -> None:
        self.current: dict[bytes, Process] = {}
        """The instance that each process id stands for. Instances that have ended stay for
        their children's sake until they are in the way."""
        self.evicted = 0

    def observe(self, id_: bytes, pid: bytes, ppid: bytes, comm: bytes, exe: bytes,
                now: int) -> Process:  # fmt: skip
        """The instance that an event of a process belongs to; a new one if it must be."""
        process = self.current.get(pid)
        if (
            process is not None
            and not process.ended
            and (process.exe == exe or _without_mark(process.exe) == _without_mark(exe))
            and self._is_same(process, ppid)
        ):
            process.ppid = ppid
            process.used = now
            return process
        parent = self.current.get(ppid)
        return self._start(Process(id_, pid, ppid, comm, exe, (), parent, now), parent)

    def execute(self, id_: bytes, pid: bytes, ppid: bytes, comm: bytes, exe: bytes,
                now: int) -> Process:  # fmt: skip
        """The new instance that a successful exec makes of a process."""
        before = self.current.get(pid)
        parent = self.current.get(ppid)
        origin = parent
        if before is not None and not before.ended and self._is_same(before, ppid):
            origin = before
        return self._start(Process(id_, pid, ppid, comm, exe, (), origin, now), parent)

    def _is_same(self, process: Process, ppid: bytes) -> bool:
        """Whether a process can have this parent now: its own, or one it was handed to.

        An orphan goes to the init of its pid namespace or to a sub-reaper, which always is an
        ancestor [kernel: find_new_reaper]. Anything else means that the pid was used again.
        """
        return ppid in (process.ppid, INIT) or ppid in process.ancestors

    def _start(self, process: Process, parent: Process | None) -> Process:
        if parent is not None:
            process.ancestors = (parent.pid, *parent.ancestors[: MAX_ANCESTORS - 1])
        if process.origin is not None:
            origin = process.origin
            process.origin = Process(
                origin.id, origin.pid, origin.ppid, origin.comm, origin.exe, (), None, 0
            )
        self.current[process.pid] = process
        if len(self.current) > MAX_PROCESSES:
            self._evict()
        return process

    def _evict(self) -> None:
        """Drops an eighth of the table: first what ended and left no living descendants.

        An ancestor counts as heard of when its descendants are, so that a parent never goes
        before its living children, however long it has been waiting for them.
        """
        heard = {pid: process.used for pid, process in self.current.items()}
        alive = {pid for pid, process in self.current.items() if not process.ended}
        for process in self.current.values():
            if not process.ended:
                for pid in process.ancestors:
                    if heard.get(pid, process.used) < process.used:
                        heard[pid] = process.used
                alive.update(process.ancestors)
        order = sorted(self.current, key=lambda pid: (pid in alive, heard[pid], -self._depth(pid)))
        for pid in order[: MAX_PROCESSES // 8]:
            del self.current[pid]
            self.evicted += 1

    def _depth(self, pid: bytes) -> int:
        return len(self.current[pid].ancestors)


class ProcessTables:
    """A table for each node."""

    def __init__(self) -> None:
        self._tables: dict[bytes, ProcessTable] = {}

    def of(self, node: bytes) -> ProcessTable:
        """The table of `node`, empty for lines without one."""
        table = self._tables.pop(node, None)
        if table is None:
            table = ProcessTable()
            if len(self._tables) >= MAX_NODES:
                del self._tables[next(iter(self._tables))]
        self._tables[node] = table  # the longest quiet one is first
        return table

    def statistics(self) -> dict[str, int]:
        """Sizes and limits met, for status reports."""
        tables = self._tables.values()
        return {
            "nodes": len(tables),
            "processes": sum(len(table.current) for table in tables),
            "evicted": sum(table.evicted for table in tables),
        }

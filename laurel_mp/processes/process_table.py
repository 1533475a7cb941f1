"""The process table: which program a process is running, from what the stream shows.

A *process instance* is a stretch of a process's life between execs. There is one table for
each node, because process ids of different hosts have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from laurel_mp.processes.labels import NONE, Labels

MAX_PROCESSES = 32768
"""Instances in one table that live, and that have ended. When there are more, those that were
quiet longest are forgotten."""

MAX_NODES = 1024
"""Tables. When there are more, those of an eighth of the nodes go: what was quiet longest."""

MAX_IN_ALL = 4 * MAX_PROCESSES
"""Instances in all tables together. When there are more, the tables of nodes that were quiet
longest go: whoever sends lines can make up nodes."""

MAX_ANCESTORS = 64
"""Ancestors of a process that are known, nearest first."""

ENDED_SECONDS = 120.0
"""How long a process that has ended is remembered for its children's sake."""

INIT = b"1"


# What the kernel puts behind the path of a file that was removed [kernel: d_path].
_REMOVED = b' (deleted)"'


def _without_mark(exe: bytes) -> bytes:
    """The same for a program before and after its file was removed: an upgrade starts nothing."""
    return exe[: -len(_REMOVED)] + b'"' if exe.endswith(_REMOVED) else exe


class Origin(NamedTuple):
    """What a process was before its exec, or else its parent, as it was then."""

    id: bytes
    by_start_time: bool
    pid: bytes
    comm: bytes
    exe: bytes


@dataclass(slots=True, eq=False)
class Process:
    """A process instance. Ids are decimal digits; `comm`, `exe`, `argv` are JSON.

    What is cached about an instance holds as long as the table has this very object: whoever
    changes anything but `used` puts a changed copy in its place.
    """

    id: bytes
    """The id of the event that started it, or its start time."""
    pid: bytes
    ppid: bytes
    comm: bytes
    exe: bytes
    used: int = 0
    """When it was last heard of; later is more."""
    origin: Origin | None = None
    ancestors: tuple[bytes, ...] = ()
    """Process ids of its parent, the parent's parent, and so on, when it started."""
    labels: Labels = NONE
    container: bytes = b""
    """Container id, empty for none."""
    services: tuple[bytes, ...] = ()
    start_time: bytes = b""
    """When the process started, `seconds.millis`; empty if unknown."""
    argv: bytes = b""
    """Its command line as a JSON list, if it is to be shown."""
    is_init: bool = False
    """Of its pid namespace: orphans are handed to it, and labels are not inherited from it."""
    by_start_time: bool = False
    """Whether it is known from the system only, and its id is its start time."""
    shown: tuple[bytes, bytes] | None = None
    """What is shown of it with its own events, once that is rendered."""
    shown_as_parent: tuple[bytes, bytes] | None = None
    """The same, with events of its children."""
    handed_on: tuple[Origin, tuple[bytes, ...]] | None = None
    """What those that come from it keep of it, and their ancestors, once there is one."""
    packed: bytes | None = None
    """All of it but `used`, as a snapshot has it, once there was one."""


_FORGOTTEN: dict[str, Any] = dict.fromkeys(("shown", "shown_as_parent", "handed_on", "packed"))
"""What follows from the rest of a process, once it has changed."""


class Facts(NamedTuple):
    """What the system said about a process when it was seen."""

    start_time: bytes = b""
    container: bytes = b""
    services: tuple[bytes, ...] = ()
    is_init: bool = False


NO_FACTS = Facts()

Sighting = tuple[bytes, bytes, bytes, bytes, bytes, int, Facts]
"""What an event says about the process that caused it: its own id; pid, ppid, comm, exe; when that
was, later is more; and what the system said. Each exec has one: a named tuple takes longer."""


class ProcessTable:
    """The processes of one node by process id."""

    def __init__(self, propagated: Labels = NONE) -> None:
        self.current: dict[bytes, Process] = {}
        """The instance that each process id stands for."""
        self.ended: dict[bytes, tuple[float, Process]] = {}
        """Those that have ended, and when, by the arrival clock; the first to end is first."""
        self._propagated = propagated
        self.evicted = 0

    def known(self, pid: bytes) -> Process | None:
        """The instance of `pid`; if it has ended, that is still known for a while."""
        process = self.current.get(pid)
        if process is None and pid in self.ended:
            _, process = self.ended[pid]
        return process

    # --- what events do to it

    def observe(self, seen: Sighting) -> tuple[Process, bool]:
        """The instance that an event belongs to, and whether that is a new one."""
        _, pid, ppid, _, exe, now, facts = seen
        process = self.current.get(pid)
        if (
            process is not None
            and (process.exe == exe or _without_mark(process.exe) == _without_mark(exe))
            and self._continues(process, ppid, facts)
        ):
            if process.ppid != ppid:
                process = self.change(process, ppid=ppid)
            process.used = now
            return process, False
        parent = self.known(ppid)
        return self._start(seen, parent, parent), True

    def execute(self, seen: Sighting) -> Process:
        """The new instance that a successful exec makes of a process."""
        _, pid, ppid, _, _, _, facts = seen
        before = self.current.get(pid)
        parent = self.known(ppid)
        if before is None or not self._continues(before, ppid, facts):
            before = parent
        return self._start(seen, parent, before)

    def change(self, process: Process, **changes: Any) -> Process:
        """A copy of `process` with changes, which takes its place if it still has one."""
        changed = replace(process, **_FORGOTTEN, **changes)
        if self.current.get(process.pid) is process:
            self.current[process.pid] = changed
        elif process.pid in self.ended and self.ended[process.pid][1] is process:
            self.ended[process.pid] = (self.ended[process.pid][0], changed)
        return changed

    def end(self, process: Process, when: float) -> None:
        """The process has ended; what was its pid may become another one's."""
        del self.current[process.pid]
        self.ended.pop(process.pid, None)
        self.ended[process.pid] = (when, process)
        if len(self.ended) > MAX_PROCESSES:
            del self.ended[next(iter(self.ended))]
            self.evicted += 1

    def add(self, process: Process) -> Process:
        """A process that is known from elsewhere; what it would inherit, it gets."""
        parent = self.known(process.ppid)
        if parent is not None:
            process.origin, process.ancestors = _handed_on(parent)
            process.labels |= self._inherited(parent)
        self._put(process)
        return process

    def _put(self, process: Process) -> None:
        """A new instance, which its process id stands for from now on."""
        self.current[process.pid] = process
        self.ended.pop(process.pid, None)
        if len(self.current) > MAX_PROCESSES:
            self._evict()

    def _continues(self, process: Process, ppid: bytes, facts: Facts) -> bool:
        """Whether an event is of the process that had its pid before, not of one that has it now.

        An orphan goes to the init of its pid namespace or to a sub-reaper, which always is an
        ancestor [kernel: find_new_reaper]. Any other parent means that the pid was used again.
        """
        start_time = facts.start_time
        if start_time and process.start_time and start_time != process.start_time:
            return False
        if ppid in (process.ppid, INIT) or ppid in process.ancestors:
            return True
        parent = self.known(ppid)
        return parent is not None and parent.is_init

    def _start(self, seen: Sighting, parent: Process | None, origin: Process | None) -> Process:
        id_, pid, ppid, comm, exe, now, facts = seen
        start_time, container, services, is_init = facts
        ancestors: tuple[bytes, ...] = ()
        before, labels = None, NONE
        if parent is not None:
            before, ancestors = parent.handed_on or _handed_on(parent)
        if origin is not None:
            if origin is not parent:
                before, _ = origin.handed_on or _handed_on(origin)
            if origin.labels:
                labels = self._inherited(origin)
            if not start_time:  # gone before it was looked at, it ran where its parent does
                container, services = origin.container, origin.services
            if origin.pid == pid:
                is_init |= origin.is_init
                start_time = start_time or origin.start_time
        process = Process(
            id_,
            pid,
            ppid,
            comm,
            exe,
            now,
            before,
            ancestors,
            labels,
            container,
            services,
            start_time,
        )
        process.is_init = is_init
        self._put(process)
        return process

    def _inherited(self, origin: Process) -> Labels:
        """The labels that pass on from a parent, or over an exec; an init passes on none."""
        if origin.is_init or origin.pid == INIT:
            return NONE
        return origin.labels & self._propagated

    def heard(self) -> int:
        """When any of its processes was last heard of."""
        ended = [process.used for _, process in self.ended.values()]
        return max([process.used for process in self.current.values()] + ended, default=0)

    # --- bounds

    def expire(self, now: float) -> None:
        """Forgets processes that ended long ago."""
        while self.ended:
            pid = next(iter(self.ended))
            when, _ = self.ended[pid]
            if now - when <= ENDED_SECONDS:
                break
            del self.ended[pid]

    def _evict(self) -> None:
        """Drops an eighth of the table: what was quiet longest.

        An ancestor counts as heard of when its descendants are, so that a parent never goes
        before its living children, however long it has been waiting for them.
        """
        heard = {pid: process.used for pid, process in self.current.items()}
        for process in self.current.values():
            for pid in process.ancestors:
                if heard.get(pid, process.used) < process.used:
                    heard[pid] = process.used
        order = sorted(
            self.current.values(),
            key=lambda process: (heard[process.pid], -len(process.ancestors)),
        )
        for process in order[: MAX_PROCESSES // 8]:
            del self.current[process.pid]
            self.evicted += 1


def origin_of(process: Process) -> Origin:
    """What is kept of `process` by those that come from it; no chain grows."""
    return Origin(process.id, process.by_start_time, process.pid, process.comm, process.exe)


def _handed_on(process: Process) -> tuple[Origin, tuple[bytes, ...]]:
    process.handed_on = (
        origin_of(process),
        (process.pid, *process.ancestors[: MAX_ANCESTORS - 1]),
    )
    return process.handed_on


class ProcessTables:
    """A table for each node; lines without one are of this host, as are those of `local_node`."""

    def __init__(self, propagated: Labels = NONE, local_node: bytes = b"") -> None:
        self._tables: dict[bytes, ProcessTable] = {}
        self._propagated = propagated
        self._nameless = ProcessTable(propagated)
        self._local_node = local_node
        self._dropped = self._evicted = 0

    def of(self, node: bytes) -> ProcessTable:
        """The table of `node`, empty for lines without one."""
        if not node or node == self._local_node:
            return self._nameless
        table = self._tables.get(node)
        if table is None:
            if len(self._tables) >= MAX_NODES:
                self._drop(MAX_NODES // 8 + 1)
            table = self._tables[node] = ProcessTable(self._propagated)
        return table

    def items(self) -> Iterator[tuple[bytes, ProcessTable]]:
        """All tables by node, in the order in which `of` has made them."""
        yield b"", self._nameless
        yield from self._tables.items()

    def expire(self, now: float) -> None:
        """Forgets processes that ended long ago, on all nodes, and nodes if it is too much."""
        for table in (self._nameless, *self._tables.values()):
            table.expire(now)
        while self._tables and self._instances() > MAX_IN_ALL:
            self._drop(len(self._tables) // 8 + 1)

    def _instances(self) -> int:
        return sum(len(t.current) + len(t.ended) for t in (self._nameless, *self._tables.values()))

    def _drop(self, number: int) -> None:
        """Drops that many tables: what was quiet longest.

        By what is noted in them, not by when they were asked for: what is answered from memory
        asks no table, and what is in memory must make no difference.
        """
        order = sorted(self._tables, key=lambda node: self._tables[node].heard())
        for node in order[:number]:
            # Emptied, so that no cached answer about its processes holds any more.
            table = self._tables.pop(node)
            table.current.clear()
            self._evicted += table.evicted
            self._dropped += 1

    def statistics(self) -> dict[str, int]:
        """Sizes and limits met, for status reports."""
        tables = (self._nameless, *self._tables.values())
        return {
            "nodes": len(tables),
            "nodes_dropped": self._dropped,
            "processes": self._instances(),
            "evicted": self._evicted + sum(table.evicted for table in tables),
        }

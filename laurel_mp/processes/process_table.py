"""The process table: the program of each process, as the stream shows it.

A *process instance* is the life of a process between two execs. There is one table for each node,
because process ids of different hosts are unrelated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from laurel_mp.processes.labels import NONE, Labels

MAX_PROCESSES = 32768
"""Live instances in one table; also ended ones. Of more, those without events for the longest time
are forgotten."""

MAX_NODES = 1024
"""Number of tables. Of more, an eighth is dropped: those without events for the longest time."""

MAX_IN_ALL = 4 * MAX_PROCESSES
"""Instances in all tables. If there are more, the tables without events for the longest time are
dropped: a sender can make up nodes."""

MAX_ANCESTORS = 64
"""Known ancestors of a process, nearest first."""

ENDED_SECONDS = 120.0
"""Seconds for which an ended process is remembered, for its children."""

INIT = b"1"


# Suffix of the path of a removed file [kernel: d_path].
_REMOVED = b' (deleted)"'


def _without_mark(exe: bytes) -> bytes:
    """Returns the path without the suffix of removed files: an upgrade starts no program."""
    return exe[: -len(_REMOVED)] + b'"' if exe.endswith(_REMOVED) else exe


class Origin(NamedTuple):
    """The instance before an exec, or the parent's instance at a fork."""

    id: bytes
    by_start_time: bool
    pid: bytes
    comm: bytes
    exe: bytes


@dataclass(slots=True, eq=False)
class Process:
    """A process instance. Ids are decimal digits; `comm`, `exe`, `argv` are JSON.

    Cached text is valid as long as the table has this very object: for a change of anything but
    `used`, a changed copy replaces it.
    """

    id: bytes
    """Id of the event that started it, or its start time."""
    pid: bytes
    ppid: bytes
    comm: bytes
    exe: bytes
    used: int = 0
    """Order key of its last event."""
    origin: Origin | None = None
    ancestors: tuple[bytes, ...] = ()
    """Process ids of its parent, the parent's parent, and so on, when it started."""
    labels: Labels = NONE
    container: bytes = b""
    """Container id, empty for none."""
    services: tuple[bytes, ...] = ()
    start_time: bytes = b""
    """Start time of the process, `SECONDS.MILLIS`; empty if unknown."""
    argv: bytes = b""
    """Command line as a JSON list, if it is to be shown."""
    is_init: bool = False
    """True for the init of its pid namespace: it gets orphans, and passes on no labels."""
    by_start_time: bool = False
    """True if only the system has shown it: then its id is its start time."""
    shown: tuple[bytes, bytes] | None = None
    """Cached text for its own events."""
    shown_as_parent: tuple[bytes, bytes] | None = None
    """Cached text for events of its children."""
    handed_on: tuple[Origin, tuple[bytes, ...]] | None = None
    """Cached origin and ancestors of instances that come from it."""
    packed: bytes | None = None
    """Cached snapshot of all but `used`."""


_NOT_CACHED: dict[str, Any] = dict.fromkeys(("shown", "shown_as_parent", "handed_on", "packed"))
"""Cached fields, to be reset when a process changes."""


class Facts(NamedTuple):
    """Facts from /proc about a process at its exec."""

    start_time: bytes = b""
    container: bytes = b""
    services: tuple[bytes, ...] = ()
    is_init: bool = False


NO_FACTS = Facts()

Observation = tuple[bytes, bytes, bytes, bytes, bytes, int, Facts]
"""A process as an event shows it: event id, pid, ppid, comm, exe, order key of the event, and facts
from /proc. There is one for each exec, and a named tuple would take longer."""


class ProcessTable:
    """The processes of one node."""

    def __init__(self, propagated: Labels = NONE) -> None:
        self.current: dict[bytes, Process] = {}
        """Live instance by process id."""
        self.ended: dict[bytes, tuple[float, Process]] = {}
        """Arrival time of the end, and ended instance, by process id, in the order of ends."""
        self._propagated = propagated
        self.evicted = 0

    def known(self, pid: bytes) -> Process | None:
        """Returns the live instance of `pid`, or else one that has ended recently."""
        process = self.current.get(pid)
        if process is None and pid in self.ended:
            _, process = self.ended[pid]
        return process

    # --- events

    def observe(self, seen: Observation) -> tuple[Process, bool]:
        """Returns the instance of an event, and True if it is a new one."""
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

    def execute(self, seen: Observation) -> Process:
        """Returns the new instance that a successful exec starts."""
        _, pid, ppid, _, _, _, facts = seen
        before = self.current.get(pid)
        parent = self.known(ppid)
        if before is None or not self._continues(before, ppid, facts):
            before = parent
        return self._start(seen, parent, before)

    def change(self, process: Process, **changes: Any) -> Process:
        """Returns a changed copy of `process`, which replaces it in the table if it is there."""
        changed = replace(process, **_NOT_CACHED, **changes)
        if self.current.get(process.pid) is process:
            self.current[process.pid] = changed
        elif process.pid in self.ended and self.ended[process.pid][1] is process:
            self.ended[process.pid] = (self.ended[process.pid][0], changed)
        return changed

    def end(self, process: Process, when: float) -> None:
        """Moves a process to those that have ended; its pid may be used again."""
        del self.current[process.pid]
        self.ended.pop(process.pid, None)
        self.ended[process.pid] = (when, process)
        if len(self.ended) > MAX_PROCESSES:
            del self.ended[next(iter(self.ended))]
            self.evicted += 1

    def add(self, process: Process) -> Process:
        """Adds a process that the system has shown; it inherits from its parent."""
        parent = self.known(process.ppid)
        if parent is not None:
            process.origin, process.ancestors = _handed_on(parent)
            process.labels |= self._inherited(parent)
        self._put(process)
        return process

    def _put(self, process: Process) -> None:
        """Makes `process` the live instance of its process id."""
        self.current[process.pid] = process
        self.ended.pop(process.pid, None)
        if len(self.current) > MAX_PROCESSES:
            self._evict()

    def _continues(self, process: Process, ppid: bytes, facts: Facts) -> bool:
        """True if an event belongs to the same process as `process`; False if its pid was reused.

        The new parent of an orphan is the init of its pid namespace or a sub-reaper, which always
        is an ancestor [kernel: find_new_reaper]. Any other new parent means that the pid was used
        again.
        """
        start_time = facts.start_time
        if start_time and process.start_time and start_time != process.start_time:
            return False
        if ppid in (process.ppid, INIT) or ppid in process.ancestors:
            return True
        parent = self.known(ppid)
        return parent is not None and parent.is_init

    def _start(self, seen: Observation, parent: Process | None, origin: Process | None) -> Process:
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
            if not start_time:  # it ended before it could be read: assume the parent's container
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
        """Returns the labels inherited from a parent, or over an exec; none from an init."""
        if origin.is_init or origin.pid == INIT:
            return NONE
        return origin.labels & self._propagated

    def heard(self) -> int:
        """Returns the order key of the last event of all processes."""
        ended = [process.used for _, process in self.ended.values()]
        return max([process.used for process in self.current.values()] + ended, default=0)

    # --- limits

    def expire(self, now: float) -> None:
        """Forgets processes that ended long ago."""
        while self.ended:
            pid = next(iter(self.ended))
            when, _ = self.ended[pid]
            if now - when <= ENDED_SECONDS:
                break
            del self.ended[pid]

    def _evict(self) -> None:
        """Drops an eighth of the table: the instances without events for the longest time.

        Events of descendants count for their ancestors, so that a parent is never dropped before
        its live children.
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
    """Returns the part of `process` that its descendants keep; it refers to no other instance."""
    return Origin(process.id, process.by_start_time, process.pid, process.comm, process.exe)


def _handed_on(process: Process) -> tuple[Origin, tuple[bytes, ...]]:
    process.handed_on = (
        origin_of(process),
        (process.pid, *process.ancestors[: MAX_ANCESTORS - 1]),
    )
    return process.handed_on


class ProcessTables:
    """A table for each node; lines without a node are of this host, and those of `local_node`."""

    def __init__(self, propagated: Labels = NONE, local_node: bytes = b"") -> None:
        self._tables: dict[bytes, ProcessTable] = {}
        self._propagated = propagated
        self._nameless = ProcessTable(propagated)
        self._local_node = local_node
        self._dropped = self._evicted = 0

    def of(self, node: bytes) -> ProcessTable:
        """Returns the table of `node`; `node` is empty for lines without one."""
        if not node or node == self._local_node:
            return self._nameless
        table = self._tables.get(node)
        if table is None:
            if len(self._tables) >= MAX_NODES:
                self._drop(MAX_NODES // 8 + 1)
            table = self._tables[node] = ProcessTable(self._propagated)
        return table

    def items(self) -> Iterator[tuple[bytes, ProcessTable]]:
        """Yields nodes and tables, in the order in which the tables were made."""
        yield b"", self._nameless
        yield from self._tables.items()

    def expire(self, now: float) -> None:
        """Forgets processes that ended long ago, on all nodes, and nodes beyond the limits."""
        for table in (self._nameless, *self._tables.values()):
            table.expire(now)
        while self._tables and self._instances() > MAX_IN_ALL:
            self._drop(len(self._tables) // 8 + 1)

    def _instances(self) -> int:
        return sum(len(t.current) + len(t.ended) for t in (self._nameless, *self._tables.values()))

    def _drop(self, number: int) -> None:
        """Drops that many tables: those without events for the longest time.

        By the order keys in them, not by the use of the tables: cached answers do not use them, and
        the content of caches must make no difference.
        """
        order = sorted(self._tables, key=lambda node: self._tables[node].heard())
        for node in order[:number]:
            # An empty table invalidates all cached answers about its processes.
            table = self._tables.pop(node)
            table.current.clear()
            self._evicted += table.evicted
            self._dropped += 1

    def statistics(self) -> dict[str, int]:
        """Returns sizes and limits met, for status reports."""
        tables = (self._nameless, *self._tables.values())
        return {
            "nodes": len(tables),
            "nodes_dropped": self._dropped,
            "processes": self._instances(),
            "evicted": self._evicted + sum(table.evicted for table in tables),
        }

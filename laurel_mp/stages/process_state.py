"""Snapshots of process tables.

Tables are large, snapshots frequent, and most processes do not change between two. So an instance
is packed once, and keeps its packed form, also when it is restored from a snapshot.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable
from typing import Annotated, NamedTuple

import msgpack

from laurel_mp.errors import SnapshotError
from laurel_mp.processes.labels import NONE
from laurel_mp.processes.process_table import Origin, Process, ProcessTable
from laurel_mp.stages.packing import check_part, unpack_part

Pid = Annotated[bytes, re.compile(rb"[0-9]{1,20}")]
Text = Annotated[bytes, re.compile(rb"[^\n\0\x01]*")]
"""Bytes that may be part of an annotation: no line feed, mark or FILTERED."""


class ProcessState(NamedTuple):
    """A process instance without `used`, see Process."""

    id: Text
    pid: Pid
    ppid: Pid
    comm: Text
    exe: Text
    origin: Origin | None
    ancestors: tuple[bytes, ...]
    labels: tuple[bytes, ...]
    container: bytes
    services: tuple[bytes, ...]
    start_time: Text
    argv: Text
    is_init: bool
    by_start_time: bool


class ProcessesState(NamedTuple):
    """Process instances in order."""

    instances: list[bytes]
    """ProcessState of each, packed."""
    used: bytes
    """A native unsigned 64-bit integer for each instance, see Process."""


class TableState(NamedTuple):
    """The table of one node."""

    node: bytes
    current: ProcessesState
    ended: ProcessesState
    ended_when: bytes
    """A native 64-bit float for each ended instance."""
    evicted: int


def state_of_table(node: bytes, table: ProcessTable) -> TableState:
    """Returns a snapshot of a node's table."""
    return TableState(
        node,
        state_of(table.current.values()),
        state_of([process for _, process in table.ended.values()]),
        array("d", [when for when, _ in table.ended.values()]).tobytes(),
        table.evicted,
    )


def fill_table(table: ProcessTable, state: TableState) -> None:
    """Restores an empty table from `state`."""
    table.current = {process.pid: process for process in processes(state.current)}
    times = array("d", state.ended_when)
    ended = processes(state.ended)
    table.ended = {process.pid: (when, process) for when, process in zip(times, ended, strict=True)}
    table.evicted = state.evicted


def state_of(instances: Iterable[Process]) -> ProcessesState:
    """Returns a snapshot of processes."""
    found = list(instances)
    packed = [process.packed or _pack(process) for process in found]
    return ProcessesState(packed, array("Q", [process.used for process in found]).tobytes())


def processes(state: ProcessesState) -> list[Process]:
    """Restores the processes of a snapshot."""
    return list(map(_process, state.instances, array("Q", state.used)))


# --- checks of snapshots from a file


def check_table(state: TableState) -> None:
    """Raises SnapshotError unless `fill_table` can restore `state`."""
    check_processes(state.current)
    check_processes(state.ended)
    if len(state.ended_when) != 8 * len(state.ended.instances):
        raise SnapshotError(f"{len(state.ended.instances)} processes have ended at other times")


def check_processes(state: ProcessesState) -> None:
    """Raises SnapshotError unless `processes` can restore `state`."""
    for each in state.instances:
        check_part(each, ProcessState)
    if len(state.used) != 8 * len(state.instances):
        raise SnapshotError(f"{len(state.instances)} processes were heard of at other times")


# One packer for all calls: to make one takes longer than to pack a process. No call can interrupt
# another, since a process holds no objects for which msgpack would call back.
_pack_fields: Callable[[object], bytes] = msgpack.Packer().pack


def _pack(process: Process) -> bytes:
    """Packs the fields of a ProcessState."""
    process.packed = _pack_fields(
        (
            process.id,
            process.pid,
            process.ppid,
            process.comm,
            process.exe,
            process.origin,
            process.ancestors,
            sorted(process.labels) if process.labels else (),
            process.container,
            process.services,
            process.start_time,
            process.argv,
            process.is_init,
            process.by_start_time,
        )
    )
    return process.packed


def _process(packed: bytes, used: int) -> Process:
    (
        id_, pid, ppid, comm, exe, origin, ancestors, labels,
        container, services, start_time, argv, is_init, by_start_time,
    ) = unpack_part(packed)  # fmt: skip
    return Process(
        id_,
        pid,
        ppid,
        comm,
        exe,
        used,
        None if origin is None else Origin(*origin),
        ancestors,
        frozenset(labels) if labels else NONE,
        container,
        services,
        start_time,
        argv,
        is_init,
        by_start_time,
        packed=packed,
    )

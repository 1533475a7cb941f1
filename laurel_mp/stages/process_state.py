"""Process tables as state to go on from.

Tables are large, snapshots frequent and most processes do not change between two: an instance
is packed once, and that is kept with it, also by those who go on from a snapshot.
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
"""May stand in annotations, which are lines; and neither as a mark nor as a verdict."""


class ProcessState(NamedTuple):
    """A process instance, but for when it was heard of; see Process."""

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
    """Process instances in their order."""

    instances: list[bytes]
    """ProcessState of each, packed."""
    used: bytes
    """Native unsigned 64-bit integers, one for each: see Process."""


class TableState(NamedTuple):
    """The table of one node."""

    node: bytes
    current: ProcessesState
    ended: ProcessesState
    ended_when: bytes
    """Native 64-bit floats, one for each."""
    evicted: int


def state_of_table(node: bytes, table: ProcessTable) -> TableState:
    """What to go on from with a node's table."""
    return TableState(
        node,
        state_of(table.current.values()),
        state_of([process for _, process in table.ended.values()]),
        array("d", [when for when, _ in table.ended.values()]).tobytes(),
        table.evicted,
    )


def fill_table(table: ProcessTable, state: TableState) -> None:
    """Puts what `state` holds into an empty table."""
    table.current = {process.pid: process for process in processes(state.current)}
    times = array("d", state.ended_when)
    ended = processes(state.ended)
    table.ended = {process.pid: (when, process) for when, process in zip(times, ended, strict=True)}
    table.evicted = state.evicted


def state_of(instances: Iterable[Process]) -> ProcessesState:
    """The state of some processes."""
    found = list(instances)
    packed = [process.packed or _pack(process) for process in found]
    return ProcessesState(packed, array("Q", [process.used for process in found]).tobytes())


def processes(state: ProcessesState) -> list[Process]:
    """The processes of a state."""
    return list(map(_process, state.instances, array("Q", state.used)))


# --- what may come from a damaged file


def check_table(state: TableState) -> None:
    """Raises SnapshotError if there is anything in it that `fill_table` would not expect."""
    check_processes(state.current)
    check_processes(state.ended)
    if len(state.ended_when) != 8 * len(state.ended.instances):
        raise SnapshotError(f"{len(state.ended.instances)} processes have ended at other times")


def check_processes(state: ProcessesState) -> None:
    """The same for `processes`."""
    for each in state.instances:
        check_part(each, ProcessState)
    if len(state.used) != 8 * len(state.instances):
        raise SnapshotError(f"{len(state.instances)} processes were heard of at other times")


# One for all: to make one takes longer than to pack a process. Nothing else can run meanwhile, as
# there are no objects in a process that msgpack would have to ask us about.
_pack_fields: Callable[[object], bytes] = msgpack.Packer().pack


def _pack(process: Process) -> bytes:
    """The fields of a ProcessState, packed."""
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

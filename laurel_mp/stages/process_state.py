"""Process tables as state to go on from.

Tables are large, snapshots frequent and most processes do not change between two: what is
shown of an instance is packed once and kept with it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

from laurel_mp.errors import SnapshotError
from laurel_mp.processes.table import Origin, Process, ProcessTable
from laurel_mp.stages.packing import pack_part, unpack_parts

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

    instances: bytes
    """ProcessState of each."""
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
    times = _numbers("d", state.ended_when)
    ended = processes(state.ended)
    if len(times) != len(ended):
        raise SnapshotError(f"{len(ended)} processes have ended at {len(times)} times")
    table.ended = {process.pid: (when, process) for when, process in zip(times, ended, strict=True)}
    table.evicted = state.evicted


def state_of(instances: Iterable[Process]) -> ProcessesState:
    """The state of some processes."""
    found = list(instances)
    packed = b"".join([process.packed or _pack(process) for process in found])
    return ProcessesState(packed, array("Q", [process.used for process in found]).tobytes())


def processes(state: ProcessesState) -> list[Process]:
    """The processes of a state."""
    found = [_process(each) for each in unpack_parts(state.instances, ProcessState)]
    used = _numbers("Q", state.used)
    if len(used) != len(found):
        raise SnapshotError(f"{len(found)} processes were heard of {len(used)} times")
    for process, when in zip(found, used, strict=True):
        process.used = int(when)
    return found


def _pack(process: Process) -> bytes:
    state = ProcessState(
        process.id,
        process.pid,
        process.ppid,
        process.comm,
        process.exe,
        process.origin,
        process.ancestors,
        tuple(sorted(process.labels)),
        process.container,
        process.services,
        process.start_time,
        process.argv,
        process.is_init,
        process.by_start_time,
    )
    process.packed = pack_part(state)
    return process.packed


def _process(state: ProcessState) -> Process:
    return Process(
        state.id,
        state.pid,
        state.ppid,
        state.comm,
        state.exe,
        origin=state.origin,
        ancestors=state.ancestors,
        labels=frozenset(state.labels),
        container=state.container,
        services=state.services,
        start_time=state.start_time,
        argv=state.argv,
        is_init=state.is_init,
        by_start_time=state.by_start_time,
    )


def _numbers(kind: Literal["Q", "d"], packed: bytes) -> array[int] | array[float]:
    if len(packed) % 8:
        raise SnapshotError(f"{len(packed)} bytes of numbers of 8 each")
    return array(kind, packed)

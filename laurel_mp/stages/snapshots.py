"""Checks and changes snapshots of the decoders and the assembler before they are restored.

Events in flight in a decoder and waiting annotations in the assembler belong together: the number
of an event's query is the key of its annotation. So all functions here take and return both.
`check_together` is for snapshots from a file; the others trust them, as the stages do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import NamedTuple

from laurel_mp.errors import SnapshotError
from laurel_mp.events.reassembly.coalescer import CoalescerState
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.duplicate_window import (
    DuplicateWindowState,
    Noted,
    noted,
    times_of,
)
from laurel_mp.events.reassembly.event_in_flight import EventState
from laurel_mp.stages.assembler import AssemblerState, Waiting
from laurel_mp.stages.packing import check, pack, unpack
from laurel_mp.stages.sharding import block_of, shard

_CLOCKS = 4
"""Number of the first fields of a CoalescerState, which are equal in all decoders."""


class Decoding(NamedTuple):
    """Snapshots of all decoders and of the assembler at one barrier."""

    decoders: list[bytes]
    assembler: bytes


class Without(NamedTuple):
    """Snapshots without some events, and the lines of these events."""

    decoders: list[bytes]
    assembler: bytes
    lines: list[bytes]
    """In the order of the stream within each event, without line feeds and without blanks around
    the bodies of records. They do not count as in flight any more."""


def check_together(decoders: Sequence[bytes], assembler: bytes) -> None:
    """Raises SnapshotError if the snapshots are damaged or not of one barrier."""
    states = [check(each, CoalescerState) for each in decoders]
    waiting = check(assembler, AssemblerState)
    if not states or len(states) != len(waiting.waiting):
        raise SnapshotError(f"{len(states)} decoders, but {len(waiting.waiting)} to assemble")
    for state, waits in zip(states, waiting.waiting, strict=True):
        queries = [event.query for event in state.events if event.query is not None]
        if len(queries) != len(waits) or waits.keys() != set(queries):
            raise SnapshotError(f"{len(queries)} queries in flight, but {len(waits)} others wait")
        if max(queries, default=-1) >= state.queries:
            raise SnapshotError(f"query {max(queries)} in flight of {state.queries}")
        keys = {event.key for event in state.events if event.records}
        if len(keys) != len(state.events):
            raise SnapshotError("events in flight twice, or without records")
        for remembered in (*state.completed, *state.given_up):
            times_of(remembered)
        if state[:_CLOCKS] != states[0][:_CLOCKS]:
            raise SnapshotError("decoders whose clocks differ")


def redistribute(decoders: Sequence[bytes], assembler: bytes, workers: int) -> Decoding:
    """Returns snapshots for another number of workers; 0 counts as 1.

    For the same number as before, snapshots are returned unchanged.
    """
    count = max(workers, 1)
    if count == len(decoders):
        return Decoding(list(decoders), assembler)
    states, waiting = _read(decoders, assembler)
    events = [
        (event, None if event.query is None else waits[event.query])
        for state, waits in zip(states, waiting.waiting, strict=True)
        for event in state.events
    ]
    events.sort(key=lambda pair: pair[0].position)  # in the order of their last records
    parts: list[list[EventState]] = [[] for _ in range(count)]
    annotated: list[Waiting] = [{} for _ in range(count)]
    for event, annotation in events:
        worker = shard(event.node, block_of(event.id), count)
        query = None
        if annotation is not None:
            query = len(annotated[worker])
            annotated[worker][query] = annotation
        parts[worker].append(event._replace(query=query))
    common = states[0]._replace(
        completed=_union([state.completed for state in states]),
        given_up=_union([state.given_up for state in states]),
        latest=max(state.latest for state in states),
    )
    counters = [_sum(state.counters for state in states), *[DecoderCounters()] * (count - 1)]
    return Decoding(
        [
            pack(common._replace(queries=len(queries), counters=counted, events=part))
            for queries, counted, part in zip(annotated, counters, parts, strict=True)
        ],
        pack(waiting._replace(waiting=annotated)),
    )


def without_events(
    decoders: Sequence[bytes], assembler: bytes, wanted: Callable[[bytes], bool]
) -> Without:
    """Removes events in flight whose key, `ID` or `NODE ID`, is `wanted`.

    The snapshots are then as if their lines had never arrived: the caller has to account for them.
    """
    states, waiting = _read(decoders, assembler)
    lines = []
    packed = []
    for state, waits in zip(states, waiting.waiting, strict=True):
        kept = []
        for event in state.events:
            if not wanted(event.key):
                kept.append(event)
                continue
            lines += _lines_of(event)
            if event.query is not None:
                del waits[event.query]
        packed.append(pack(state._replace(events=kept)))
    return Without(packed, pack(waiting), lines)


def without_serials(assembler: bytes) -> bytes:
    """Removes open gaps from a snapshot, when an unknown part of the stream was not seen."""
    state = unpack(assembler, AssemblerState)
    return pack(state._replace(losses=state.losses.without_gaps()))


def lines_in_flight(decoders: Iterable[bytes]) -> int:
    """Returns the number of lines of events that are not complete."""
    states = [unpack(each, CoalescerState) for each in decoders]
    return sum(event.lines for state in states for event in state.events)


def _read(
    decoders: Sequence[bytes], assembler: bytes
) -> tuple[list[CoalescerState], AssemblerState]:
    states = [unpack(each, CoalescerState) for each in decoders]
    return states, unpack(assembler, AssemblerState)


def _union(remembered: Sequence[DuplicateWindowState]) -> DuplicateWindowState:
    """Returns the union of all windows: keys of user-space records do not tell their worker.

    The latest time of a key counts, since former unions leave older ones with other workers.
    """
    return DuplicateWindowState(
        _latest([each.recent for each in remembered]), _latest([each.older for each in remembered])
    )


def _latest(generations: Iterable[list[Noted]]) -> list[Noted]:
    found: dict[bytes, float] = {}
    for each in map(times_of, generations):
        for key, when in each.items():
            if when >= found.get(key, when):
                found[key] = when
    return noted(found)


def _sum(counters: Iterable[DecoderCounters]) -> DecoderCounters:
    every = list(counters)
    return DecoderCounters(
        *[sum(getattr(each, field.name) for each in every) for field in fields(DecoderCounters)]
    )


def _lines_of(event: EventState) -> list[bytes]:
    node = b"" if event.node is None else b"node=%b " % event.node
    return [
        b"%btype=%b msg=audit(%b): %b" % (node, name, event.id, body)
        for name, body in event.records
    ]

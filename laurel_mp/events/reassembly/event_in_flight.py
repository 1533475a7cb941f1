"""Events in flight."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, Self

from laurel_mp.events.reassembly.exec_observer import Started
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.sequence_templates import Record
from laurel_mp.events.rendering.syscall import Syscall
from laurel_mp.records.header import ID, NODE, TYPE
from laurel_mp.records.strings import encode
from laurel_mp.records.types import PARTS_OF_SYSCALLS

Id = Annotated[bytes, re.compile(ID)]
Node = Annotated[bytes, re.compile(NODE)]
Type = Annotated[bytes, re.compile(TYPE)]
Body = Annotated[bytes, re.compile(rb"[^\n]*")]


class EventState(NamedTuple):
    """An event in flight, without what was rendered by options; see EventInFlight."""

    id: Id
    node: Node | None
    first: int
    late: bool
    records: list[tuple[Type, Body]]
    lines: int
    size: int
    query: int | None
    seen: float
    position: int
    filtered: bool
    started: Started | None

    @property
    def key(self) -> bytes:
        """What it is known by: ids of different nodes have nothing to do with each other."""
        return self.id if self.node is None else self.node + b" " + self.id


class EventInFlight:
    """What has come of an event that is not complete."""

    __slots__ = (
        "filtered",
        "first",
        "id",
        "late",
        "lines",
        "node",
        "position",
        "query",
        "records",
        "seen",
        "size",
        "started",
        "syscall",
    )  # fmt: skip

    def __init__(self, id_: bytes, node: bytes | None, first: int, late: bool) -> None:
        self.id = id_
        self.node = node
        self.first = first
        """Position of its first record."""
        self.late = late
        self.records: list[Record] = []
        self.lines = 0
        self.size = 0
        self.syscall: Syscall | None = None
        self.query: int | None = None
        """Number of the query that annotates its SYSCALL record, once it is asked."""
        self.seen = 0.0
        """When its last record arrived."""
        self.position = 0
        """Where its last record stood."""
        self.filtered = False
        """Whether one of its lines says filter."""
        self.started: Started | None = None
        """What the system said when it was seen to be an exec."""

    @classmethod
    def of_state(cls, state: EventState) -> Self:
        """The event as it was, but for its SYSCALL record, which is to be rendered again."""
        event = cls(state.id, state.node, state.first, state.late)
        event.records = state.records
        event.lines = state.lines
        event.size = state.size
        event.query = state.query
        event.seen = state.seen
        event.position = state.position
        event.filtered = state.filtered
        event.started = state.started
        return event

    def state(self) -> EventState:
        """What to go on from; it goes on changing with this."""
        return EventState(
            self.id,
            self.node,
            self.first,
            self.late,
            self.records,
            self.lines,
            self.size,
            self.query,
            self.seen,
            self.position,
            self.filtered,
            self.started,
        )

    def executed(self) -> LazyExecution | None:
        """Tells what was executed, if there is an EXECVE record."""
        if not any(name == b"EXECVE" for name, _ in self.records):
            return None
        return LazyExecution(lambda: self.records)

    def items(self) -> int:
        """How many PATH records there should be."""
        if self.syscall is not None:
            return self.syscall.items
        for name, body in self.records:
            if name == b"URINGOP":
                _, _, items = body.partition(b" items=")
                digits = items.partition(b" ")[0]
                return int(digits) if digits.isdigit() and len(digits) < 10 else 0
        return 0

    def needs_end(self) -> bool:
        """Whether an EOE record should come: some kernel records stand alone."""
        return any(name in PARTS_OF_SYSCALLS for name, _ in self.records)

    def process(self) -> bytes:
        """The process of the event, as queries say it; empty if it is not known."""
        if self.syscall is None or not self.syscall.process:
            return b""
        if self.node is None:
            return self.syscall.process
        return self.syscall.process + b"\t" + encode(self.node)

    def has(self, name: bytes) -> bool:
        """Whether there is a record of a type."""
        return any(record[0] == name for record in self.records)

"""Events in flight."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, Self

from laurel_mp.events.reassembly.exec_observer import Started
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.record_patterns import Record
from laurel_mp.events.rendering.syscall import Syscall
from laurel_mp.records.header import ID, NODE, TYPE
from laurel_mp.records.strings import encode
from laurel_mp.records.types import PARTS_OF_SYSCALLS

Id = Annotated[bytes, re.compile(ID)]
Node = Annotated[bytes, re.compile(NODE)]
Type = Annotated[bytes, re.compile(TYPE)]
Body = Annotated[bytes, re.compile(rb"[^\n]*")]


class EventState(NamedTuple):
    """Snapshot of an `EventInFlight`, without rendered text."""

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
        """Returns `ID`, or `NODE ID`: ids of different nodes are unrelated."""
        return self.id if self.node is None else self.node + b" " + self.id


class EventInFlight:
    """Records of an event that is not complete."""

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
        """Stream position of the first record."""
        self.late = late
        self.records: list[Record] = []
        self.lines = 0
        self.size = 0
        self.syscall: Syscall | None = None
        self.query: int | None = None
        """Number of the query that annotates its SYSCALL record, once it is asked."""
        self.seen = 0.0
        """Arrival time of the last record."""
        self.position = 0
        """Stream position of the end of the last record."""
        self.filtered = False
        """True if a filter matches one of the lines."""
        self.started: Started | None = None
        """The observer's first answer, for an exec."""

    @classmethod
    def of_state(cls, state: EventState) -> Self:
        """Restores an event; the caller has to render its SYSCALL record again."""
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
        """Returns a snapshot; it shares the list of records with this object."""
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
        """Returns the execution that the records show; None without an EXECVE record."""
        if not any(name == b"EXECVE" for name, _ in self.records):
            return None
        return LazyExecution(lambda: self.records)

    def items(self) -> int:
        """Returns the announced number of PATH records."""
        if self.syscall is not None:
            return self.syscall.items
        for name, body in self.records:
            if name == b"URINGOP":
                _, _, items = body.partition(b" items=")
                digits = items.partition(b" ")[0]
                return int(digits) if digits.isdigit() and len(digits) < 10 else 0
        return 0

    def needs_end(self) -> bool:
        """True if an EOE record is due: some kernel records stand alone."""
        return any(name in PARTS_OF_SYSCALLS for name, _ in self.records)

    def process(self) -> bytes:
        """Returns the process of the event, as queries have it; empty if it is not known."""
        if self.syscall is None or not self.syscall.process:
            return b""
        if self.node is None:
            return self.syscall.process
        return self.syscall.process + b"\t" + encode(self.node)

    def has(self, name: bytes) -> bool:
        """True if there is a record of type `name`."""
        return any(record[0] == name for record in self.records)

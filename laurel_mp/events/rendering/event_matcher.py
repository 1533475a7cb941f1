"""Events matched where they stand, for streams in which hardly anything repeats.

To cut events out, to blot out their ids and to look up what was rendered before costs more than it
brings there. So one expression matches a SYSCALL record and another one all records behind it, and
what was learned of the call, of who called and of the sequence of records renders what they
captured.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from laurel_mp.events.rendering.caller_templates import USUAL
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.sequence_templates import (
    Record,
    SequenceTemplate,
    SequenceTemplates,
)
from laurel_mp.events.rendering.syscall import NUMBERS, Call, SyscallRenderer
from laurel_mp.formats import native
from laurel_mp.records.header import ID, count_lines
from laurel_mp.records.strings import encode

MOST_PLANS = 1024
MOST_MATCHERS = 256

Matcher = Callable[[bytes, int, int], "re.Match[bytes] | None"]

Key = tuple[bytes, bytes, bytes, bytes, bool]
"""Of a SYSCALL record: head, items, what is in front of the names, what is behind them, and whether
it says nothing of what was returned."""


class EventTemplate:
    """How events of one key are rendered."""

    __slots__ = ("call", "head", "items", "layout", "match", "process", "records")

    def __init__(self, call: Call, head: bytes, process: bytes, items: int) -> None:
        self.call = call
        self.head = head
        """A template for id, exit if there is one, ppid, pid, comm, exe, a0 to a3, members that
        are added."""
        self.process = process
        """A template for pid, ppid, comm, exe: what the tracker is told."""
        self.items = items
        self.layout: SequenceTemplate
        """What stood behind the last such SYSCALL record."""
        self.records = 0
        """How many records that is."""
        self.match: Matcher = _nothing
        """Matches that, up to the event's end: captures the id, and what `layout` renders."""

    def executed(self, values: list[bytes], text: bytes) -> LazyExecution | None:
        """What tells what was executed, by `text`, the lines behind the SYSCALL record."""
        return self.layout.executed(values, partial(self._split, text))

    def _split(self, text: bytes) -> list[Record]:
        lines = text.split(b"\n")[: self.records]
        bodies = [line.partition(b" msg=audit(")[2].partition(b"):")[2] for line in lines]
        names = [name for name, _ in self.layout.records]
        return [(name, body.strip(b" ")) for name, body in zip(names, bodies, strict=True)]


def _nothing(_blob: bytes, _start: int, _end: int) -> None:
    """Matches nothing."""


class EventMatcher:
    """Matches events of one node, in a stream with or without EOE records."""

    def __init__(
        self,
        syscalls: SyscallRenderer,
        rests: SequenceTemplates,
        node: bytes | None,
        *,
        has_eoe: bool,
    ) -> None:
        self._syscalls = syscalls
        self._rests = rests
        self._has_eoe = has_eoe
        prefix, self._of_node = b"", b""
        if node is not None:
            name = encode(node)
            prefix = b"node=%b " % node
            self._of_node = b"\t" + name
        self.begins = prefix + b"type=SYSCALL msg=audit("
        self._prefix = re.escape(prefix)
        self._template = native.begin_template(node) + b',"SYSCALL":{'
        self.match: Matcher = re.compile(
            re.escape(self.begins) + rb"(" + ID + rb")\): " + NUMBERS + rb" " + USUAL + rb"\n"
        ).match
        """Matches a SYSCALL record: captures the id, and what `NUMBERS` and `USUAL` do."""
        self.plans: dict[Key, EventTemplate] = {}
        self._matchers: dict[tuple[Record, ...], Matcher] = {}

    def next(self, blob: bytes, start: int, end: int) -> int:
        """Where behind `start` the next SYSCALL record begins; the end if there is none."""
        return blob.find(b"\n" + self.begins, start, end) + 1 or end

    def plan(self, key: Key) -> EventTemplate | None:
        """A new plan; None if a part of the key was not learned, or is for the general way."""
        head_text, items, front, back, never_returned = key
        syscalls = self._syscalls
        head = syscalls.heads.get(head_text)
        surrounding = syscalls.callers.surrounding(front, back)
        if head is None or surrounding is None or head.call is Call.UNNAMED:
            return None
        if head.big_endian and syscalls.universal:
            return None
        template = (
            self._template
            + _literal(head.raw)
            + (b"" if never_returned else b'"exit":%b,')
            + surrounding.raw.replace(b"%b", items, 1)
            + syscalls.arguments
            + _literal(head.added + surrounding.added)
            + b"%b"
        )
        process = surrounding.query + _literal(self._of_node)
        if len(self.plans) >= MOST_PLANS:
            self.plans.clear()
        plan = self.plans[key] = EventTemplate(head.call, template, process, int(items))
        return plan

    def rest(
        self, plan: EventTemplate, blob: bytes, start: int, end: int
    ) -> re.Match[bytes] | None:
        """Matches the lines from `start` on, up to an event's end, by any layout that was learned.

        The plan goes on with that layout.
        """
        lines = count_lines(blob[start : self.next(blob, start - 1, end)])
        for layout in self._rests.layouts(lines - self._has_eoe):
            if layout.ends or self._has_eoe:
                match = self._matcher(layout)
                found = match(blob, start, end)
                if found is not None:
                    plan.layout, plan.match, plan.records = layout, match, len(layout.records)
                    return found
        return None

    def _matcher(self, layout: SequenceTemplate) -> Matcher:
        """What matches records of a layout in a stream, with its end."""
        matcher = self._matchers.get(layout.records)
        if matcher is None:
            pattern = []
            id_ = rb"(" + ID + rb")"
            for name, expression in layout.records:
                pattern.append(_HEADER % (self._prefix, re.escape(name), id_) + rb" *" + expression)
                id_ = rb"\1"
            if self._has_eoe:
                pattern.append(_HEADER % (self._prefix, b"EOE", id_) + rb" ?")
            matcher = re.compile(rb"\n".join(pattern) + rb"\n").match
            if len(self._matchers) >= MOST_MATCHERS:
                self._matchers.clear()
            self._matchers[layout.records] = matcher
        return matcher


_HEADER = rb"%btype=%b msg=audit\(%b\):"


def _literal(text: bytes) -> bytes:
    """What makes `text` in a template."""
    return text.replace(b"%", b"%%")

"""Matches whole events where they stand, for streams in which hardly anything repeats.

There, to cut events out, to blank their ids and to look up rendered text costs more than it saves.
So one expression matches a SYSCALL record and another one all records behind it, and what was
learned of the operation, the caller and the sequence of records renders what they have captured.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from laurel_mp.events.rendering.caller_templates import USUAL
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.record_patterns import Record
from laurel_mp.events.rendering.sequence_templates import SequenceTemplate, SequenceTemplates
from laurel_mp.events.rendering.syscall import NUMBERS, Call, SyscallRenderer
from laurel_mp.formats import native
from laurel_mp.records.header import ID, count_lines
from laurel_mp.records.strings import encode

MOST_TEMPLATES = 1024
MOST_EXPRESSIONS = 256

Match = Callable[[bytes, int, int], "re.Match[bytes] | None"]

Key = tuple[bytes, bytes, bytes, bytes, bool]
"""Of a SYSCALL record: operation, items, the texts in front of the names and behind them, and True
if it has no `exit`."""


class EventTemplate:
    """Renders the events of one key."""

    __slots__ = ("call", "head", "items", "match", "process", "records", "sequence")

    def __init__(self, call: Call, head: bytes, process: bytes, items: int) -> None:
        self.call = call
        self.head = head
        """Template for id, exit if there is one, ppid, pid, comm, exe, a0 to a3, added members."""
        self.process = process
        """Template for pid, ppid, comm, exe, as the process of a query."""
        self.items = items
        self.sequence: SequenceTemplate
        """The sequence of records behind the last such SYSCALL record."""
        self.records = 0
        """Records of that sequence."""
        self.match: Match = _nothing
        """Matches that sequence and the end of the event: captures the id, and the values that
        `sequence` renders."""

    def executed(self, values: list[bytes], text: bytes) -> LazyExecution | None:
        """Returns the execution that `text` shows, the lines behind the SYSCALL record."""
        return self.sequence.executed(values, partial(self._split, text))

    def _split(self, text: bytes) -> list[Record]:
        lines = text.split(b"\n")[: self.records]
        bodies = [line.partition(b" msg=audit(")[2].partition(b"):")[2] for line in lines]
        names = [name for name, _ in self.sequence.records]
        return [(name, body.strip(b" ")) for name, body in zip(names, bodies, strict=True)]


def _nothing(_blob: bytes, _start: int, _end: int) -> None:
    """Matches nothing."""


class EventMatcher:
    """Matches events of one node, in a stream with or without EOE records."""

    def __init__(
        self,
        syscalls: SyscallRenderer,
        sequences: SequenceTemplates,
        node: bytes | None,
        *,
        has_eoe: bool,
    ) -> None:
        self._syscalls = syscalls
        self._sequences = sequences
        self._has_eoe = has_eoe
        prefix, self._of_node = b"", b""
        if node is not None:
            name = encode(node)
            prefix = b"node=%b " % node
            self._of_node = b"\t" + name
        self.begins = prefix + b"type=SYSCALL msg=audit("
        self._prefix = re.escape(prefix)
        self._template = native.begin_template(node) + b',"SYSCALL":{'
        self.match: Match = re.compile(
            re.escape(self.begins) + rb"(" + ID + rb")\): " + NUMBERS + rb" " + USUAL + rb"\n"
        ).match
        """Matches a SYSCALL record: captures the id, and what `NUMBERS` and `USUAL` capture."""
        self.templates: dict[Key, EventTemplate] = {}
        self._expressions: dict[tuple[Record, ...], Match] = {}

    def next(self, blob: bytes, start: int, end: int) -> int:
        """Returns the index of the next SYSCALL record behind `start`; `end` without one."""
        return blob.find(b"\n" + self.begins, start, end) + 1 or end

    def learn(self, key: Key) -> EventTemplate | None:
        """Makes a template; None if a part of the key was not learned, or is irregular."""
        operation_text, items, front, back, has_no_exit = key
        syscalls = self._syscalls
        operation = syscalls.operations.get(operation_text)
        caller = syscalls.caller_templates.get(front, back)
        if operation is None or caller is None or operation.call is Call.UNNAMED:
            return None
        if operation.big_endian and syscalls.universal:
            return None
        head = (
            self._template
            + _escaped(operation.raw)
            + (b"" if has_no_exit else b'"exit":%b,')
            + caller.raw.replace(b"%b", items, 1)
            + syscalls.arguments
            + _escaped(operation.added + caller.added)
            + b"%b"
        )
        process = caller.process + _escaped(self._of_node)
        if len(self.templates) >= MOST_TEMPLATES:
            self.templates.clear()
        template = EventTemplate(operation.call, head, process, int(items))
        self.templates[key] = template
        return template

    def match_auxiliary(
        self, template: EventTemplate, blob: bytes, start: int, end: int
    ) -> re.Match[bytes] | None:
        """Matches the lines from `start` on, up to the event's end, by any learned sequence.

        The template keeps that sequence for the next event.
        """
        lines = count_lines(blob[start : self.next(blob, start - 1, end)])
        for sequence in self._sequences.of_length(lines - self._has_eoe):
            if sequence.ends or self._has_eoe:
                match = self._expression(sequence)
                found = match(blob, start, end)
                if found is not None:
                    template.sequence, template.match = sequence, match
                    template.records = len(sequence.records)
                    return found
        return None

    def _expression(self, sequence: SequenceTemplate) -> Match:
        """Returns the expression for the records of a sequence, and the end of the event."""
        match = self._expressions.get(sequence.records)
        if match is None:
            pattern = []
            id_ = rb"(" + ID + rb")"
            for name, expression in sequence.records:
                pattern.append(_HEADER % (self._prefix, re.escape(name), id_) + rb" *" + expression)
                id_ = rb"\1"
            if self._has_eoe:
                pattern.append(_HEADER % (self._prefix, b"EOE", id_) + rb" ?")
            match = re.compile(rb"\n".join(pattern) + rb"\n").match
            if len(self._expressions) >= MOST_EXPRESSIONS:
                self._expressions.clear()
            self._expressions[sequence.records] = match
        return match


_HEADER = rb"%btype=%b msg=audit\(%b\):"


def _escaped(text: bytes) -> bytes:
    """Returns a template that gives `text`."""
    return text.replace(b"%", b"%%")

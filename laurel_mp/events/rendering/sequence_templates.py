"""Renders all records behind SYSCALL, the auxiliary records, with one template.

Most events have one of few sequences of records. For each sequence that occurs often, one
expression captures the values that differ from event to event, in all of its records, and one
template renders them. What no expression matches is rendered record by record, with equal output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from laurel_mp.events.rendering.execution import LazyExecution, ScriptHint
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.record_patterns import (
    FILE_CAPTURES,
    Converter,
    PathAttributesCache,
    Record,
    RecordPattern,
    RecordPatterns,
)
from laurel_mp.formats import native
from laurel_mp.records.record import RecordRenderer, Rendered
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import encode
from laurel_mp.records.types import SINGLE_OBJECTS, canonical, is_kernel, number_of

# To learn a sequence takes as long as to render some fifty events without. A host that makes up
# sequences must not make us learn for ever: each has to occur often before, and more often if it
# displaces another one.
LEARNED_AFTER = 8
REPLACED_AFTER = 100
SEQUENCES_PER_LENGTH = 8
MOST_RECORDS = 24
MOST_CANDIDATES = 256

_HEADER = rb"type=%b msg=audit\(\0+\): *"


class SequenceTemplate(NamedTuple):
    """Renders the auxiliary records of events with one sequence of records."""

    match: Callable[[bytes], re.Match[bytes] | None]
    """Matches all records, with the event's id blanked."""
    records: tuple[tuple[bytes, bytes], ...]
    """Type and expression of each record."""
    converters: tuple[tuple[int, Converter], ...]
    """Pairs of the number of a capture and its converter."""
    template: bytes
    path_attributes: PathAttributesCache
    paths: tuple[tuple[int, int], ...]
    """Numbers of the captures for item and attributes of each PATH record."""
    arguments: int
    """Number of the capture of the EXECVE record; -1 without one."""
    ends: bool
    """True if the sequence ends an event in a stream without EOE records."""
    has_script_hint: bool
    """True if the first two PATH records are of files."""

    def render(self, values: list[bytes]) -> tuple[bytes, int] | None:
        """Renders captured values; returns the text and the number of paths that `items=` counts.

        Converts `values` in place. Returns None if the records are to be rendered one by one.
        """
        for index, converter in self.converters:
            value = values[index]
            if value:
                converted = converter(value)
                if converted is None:
                    return None
                values[index] = converted
        paths = len(self.paths)
        for item, index in self.paths:
            attributes = self.path_attributes[values[index]]
            if attributes is None:
                return None
            values[index], hides = attributes
            if hides and values[item] == b"0":
                paths += 1
        return self.template % tuple(values), paths

    def fragment(
        self,
        rendered: bytes,
        paths: int,
        values: list[bytes],
        records: Callable[[], Sequence[Record]],
    ) -> Fragment:
        """Makes a fragment of the result of `render` and of the values it has converted."""
        executed = self.executed(values, records)
        end = self.execve_end(rendered, values) if executed is not None else 0
        return tuple.__new__(  # as Fragment does it, without the call
            Fragment, (rendered, (), len(self.records), paths, False, False, executed, end)
        )

    def executed(
        self, values: list[bytes], records: Callable[[], Sequence[Record]]
    ) -> LazyExecution | None:
        """Returns the execution that the records show; None without an EXECVE record."""
        if self.arguments < 0:
            return None
        return LazyExecution(records, self._script_hint(values, values[self.arguments]))

    def execve_end(self, rendered: bytes, values: list[bytes]) -> int:
        """Returns the index in `rendered` at which members can be added to the EXECVE object."""
        arguments = values[self.arguments]
        return rendered.index(b',"EXECVE":' + arguments) + 9 + len(arguments)

    def _script_hint(self, values: list[bytes], arguments: bytes) -> ScriptHint | None:
        """Returns a hint for the usual case, by converted values; None for any other."""
        if not self.has_script_hint:
            return None
        (first, attributes), *others = self.paths
        interpreter = b'""'
        if others:
            second, _ = others[0]
            interpreter = values[second + 1] if values[second] == b"1" else b""
        if values[first] != b"0" or not values[first + 1] or not interpreter:
            return None
        # If the first argument is not the interpreter, the program is no script.
        return ScriptHint(values[first + 3], values[attributes], b"[" + interpreter in arguments)


class SequenceTemplates:
    """Renders auxiliary records by sequences that it has learned."""

    def __init__(
        self,
        options: RecordOptions,
        renderer: RecordRenderer,
        render: Callable[[bytes, bytes], Rendered],
        key_of: Callable[[bytes], bytes],
    ) -> None:
        """`render` renders one record; `key_of` gives the key in the event of a record type."""
        self._options = options
        self._key_of = key_of
        self._patterns = RecordPatterns(options, renderer, render)
        self.path_attributes = PathAttributesCache(renderer)
        self._learned: dict[int, list[SequenceTemplate]] = {}
        """Templates by the number of records; those used more often move to the front."""
        self._candidates: dict[tuple[tuple[bytes, str], ...], int] = {}
        """Occurrences of sequences that are not learned."""

    @property
    def candidates(self) -> int:
        """Number of sequences that are counted and not learned."""
        return len(self._candidates)

    def of_length(self, records: int) -> list[SequenceTemplate]:
        """Returns the templates for so many records, those used more often in front."""
        return self._learned.get(records, [])

    def render_complete(self, text: bytes, node: bytes | None, end: bytes) -> Fragment | None:
        """Renders auxiliary records if their event ends with them; None if no template fits.

        `text` is as in `EventRenderer.auxiliary_records`, but with nodes, with the EOE record if
        there are such, and without the last line feed. `end` is that record as in
        `event_cutter.ENDS`; empty if there are none.
        """
        if node is not None:
            prefix = b"node=%b " % node
            if not text.startswith(prefix) or text.count(b"\n" + prefix) < text.count(b"\n"):
                return None
            text = text[len(prefix) :].replace(b"\n" + prefix, b"\n")
        if not end:
            return self.render(text, ends=True)
        if text.endswith(end):
            return self.render(text[: -len(end)])
        # Enriched records without a node have no blank behind their header.
        return self.render(text[: 1 - len(end)]) if text.endswith(end[:-1]) else None

    def render(self, text: bytes, *, ends: bool = False) -> Fragment | None:
        """Renders all records in `text`, lines without nodes; None if no template fits.

        With `ends`, only sequences that end an event are tried.
        """
        # The number of blanked ids is that of records: then there are none but those in headers.
        templates = self.of_length(text.count(b"\0):"))
        for index, template in enumerate(templates):
            match = template.match(text)
            if match is None or (ends and not template.ends):
                continue
            if index:
                templates[index - 1], templates[index] = template, templates[index - 1]
            values = list(match.groups(b""))
            rendered = template.render(values)
            return rendered and template.fragment(*rendered, values, partial(split_records, text))
        return None

    def consider(self, records: Sequence[Record]) -> None:
        """Counts records that no template has rendered; learns their sequence if it is frequent."""
        if not 0 < len(records) <= MOST_RECORDS:
            return
        found = [self._patterns.find(*each) for each in records]
        patterns = [pattern for pattern in found if pattern is not None]
        if len(patterns) < len(records):
            return
        sequence = tuple(
            [(name, pattern.kind) for (name, _), pattern in zip(records, patterns, strict=True)]
        )
        count = self._candidates.get(sequence, 0) + 1
        if len(self._candidates) >= MOST_CANDIDATES:
            self._candidates.clear()
        self._candidates[sequence] = count
        learned = self._learned.setdefault(len(records), [])
        is_full = len(learned) >= SEQUENCES_PER_LENGTH
        if count == (REPLACED_AFTER if is_full else LEARNED_AFTER) and self._is_regular(records):
            if is_full:
                learned.pop()
            learned.append(self._template([name for name, _ in records], patterns))

    def _is_regular(self, records: Sequence[Record]) -> bool:
        """True if records of these types, in this order, are rendered one after another."""
        names = [name for name, _ in records]
        runs = [name for name, last in zip(names, [b"", *names], strict=False) if name != last]
        return (
            len(set(names)) == len(runs)
            and not {b"SYSCALL", b"EOE"} & set(names)
            and all(names.count(name) == 1 for name in names if name in SINGLE_OBJECTS)
            and all(number_of(name) is not None and is_kernel(name, b"") for name in names)
            and not (b"SOCKADDR" in names and self._options.filter_address is not None)
        )

    def _template(self, names: list[bytes], patterns: list[RecordPattern]) -> SequenceTemplate:
        converters: list[Converter | None] = []
        objects: dict[bytes, list[bytes]] = {}
        arguments = -1
        paths: list[tuple[int, int]] = []
        for name, pattern in zip(names, patterns, strict=True):
            if name == b"EXECVE":
                arguments = len(converters)
            first = len(converters)
            converters += pattern.converters
            if name == b"PATH":
                paths.append((first, len(converters) - 1))
            objects.setdefault(name, []).append(pattern.template)
        template = [
            b",%b:%b" % (self._key_of(name), same[0])
            if name in SINGLE_OBJECTS
            else b",%b:[%b]" % (self._key_of(name), b",".join(same))
            for name, same in objects.items()
        ]
        if self._options.record_types:
            types = b",".join([encode(name) for name in (b"SYSCALL", *objects)])
            template.append(b',"%b":[%b]' % (self._options.added(native.RECORD_TYPES), types))
        records = [(name, each.pattern) for name, each in zip(names, patterns, strict=True)]
        expression = [_HEADER % re.escape(name) + pattern for name, pattern in records]
        return SequenceTemplate(
            re.compile(rb"\n".join(expression)).fullmatch,
            tuple(records),
            tuple([(index, each) for index, each in enumerate(converters) if each is not None]),
            b"".join(template),
            self.path_attributes,
            tuple(paths),
            arguments,
            names[-1] == b"PROCTITLE",
            bool(paths)
            and all(attributes - item == FILE_CAPTURES - 1 for item, attributes in paths[:2]),
        )


def split_auxiliary(text: bytes) -> list[Record]:
    """Returns the records in `text`: lines, each with its line feed and its id blanked."""
    return split_records(text[:-1]) if text else []


def split_records(text: bytes) -> list[Record]:
    """Returns the records in `text`: lines with their id blanked, without the last line feed."""
    records = []
    for line in text.split(b"\n"):
        header, _, body = line.partition(b"\0")
        name = header[header.rfind(b"type=") + 5 : -len(b" msg=audit(")]
        records.append((canonical(name), body.lstrip(b"\0")[2:].strip(b" ")))
    return records

"""Renders the records of an event as JSON, with marks for the tracker's answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from laurel_mp.events.rendering.caches import BoundedCache, CacheBypass, SecondHitCache
from laurel_mp.events.rendering.event_matcher import EventMatcher
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.record_patterns import TELLS_HIDDEN, Record
from laurel_mp.events.rendering.sequence_templates import SequenceTemplates, split_auxiliary
from laurel_mp.events.rendering.syscall import Syscall, SyscallRenderer
from laurel_mp.formats import native
from laurel_mp.records import execve
from laurel_mp.records.record import MARK, LookUp, RecordRenderer, Rendered
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import encode
from laurel_mp.records.translation import internet_address
from laurel_mp.records.types import SINGLE_OBJECTS, is_kernel

# Limits of the caches in bytes of keys: with the rendered text about twice that.
AUXILIARY_BYTES = 6 << 20
RECORD_BYTES = 3 << 20
CALLER_BYTES = 2 << 20
OPERATION_BYTES = 1 << 19

MOST_MATCHERS = 4
"""Nodes for which expressions that match whole events are compiled."""

_hides_directory = re.compile(rb'item=0 (?:name="[^"]*" )?' + TELLS_HIDDEN).match


class EventRenderer:
    """Renders the records of events by one set of options, with caches of rendered text."""

    def __init__(self, options: RecordOptions) -> None:
        self.options = options
        self._records = RecordRenderer(options)
        self.syscalls = SyscallRenderer(self._records, OPERATION_BYTES, CALLER_BYTES)
        self.auxiliary: SecondHitCache[Fragment] = SecondHitCache(AUXILIARY_BYTES)
        """Auxiliary records by their text, also with the end of their event."""
        self.cache_bypass = CacheBypass()
        self._matchers: dict[tuple[bytes | None, bool], EventMatcher] = {}
        self._rendered: SecondHitCache[Rendered] = SecondHitCache(RECORD_BYTES)
        self._taken = frozenset((native.ID, native.NODE, *map(options.added, native.ADDED)))
        self.sequences = SequenceTemplates(options, self._records, self.record, self._key)

    def forget(self) -> None:
        """Clears the caches, when names of users may have changed."""
        self.syscalls.forget()
        self._matchers.clear()
        for cache in (self.auxiliary, self._rendered, self.sequences.path_attributes):
            cache.forget()

    @property
    def caches(self) -> tuple[BoundedCache[Any], ...]:
        """All caches of rendered text."""
        return (
            self.auxiliary,
            self._rendered,
            self.sequences.path_attributes,
            self.syscalls.operations,
            self.syscalls.callers,
        )

    def matcher(self, node: bytes | None, *, has_eoe: bool) -> EventMatcher | None:
        """Returns the matcher for whole events of a node; None if there are too many nodes."""
        matcher = self._matchers.get((node, has_eoe))
        if matcher is None and len(self._matchers) < MOST_MATCHERS:
            matcher = EventMatcher(self.syscalls, self.sequences, node, has_eoe=has_eoe)
            self._matchers[node, has_eoe] = matcher
        return matcher

    def auxiliary_records(self, text: bytes) -> Fragment:
        """Returns the records behind a SYSCALL record, from the cache or rendered.

        `text` holds a line for each, with one or more NUL bytes in place of the event's id. A
        `records` count of -1 means that some of the records are events of their own.
        """
        found = self.auxiliary.get(text)
        if found is None:
            found = self.render_auxiliary(text)
            if text:  # the empty text is the key of an event that ends with its SYSCALL record
                self.auxiliary.remember(text, found)
        return found

    def render_auxiliary(self, text: bytes) -> Fragment:
        """Renders the records of `auxiliary_records`, without the cache."""
        found = self.sequences.render(text[:-1])
        if found is None:
            records = split_auxiliary(text)
            found = self.fragment(records, behind_syscall=True)
            if all(is_kernel(name, body) for name, body in records):
                self.sequences.consider(records)
            else:
                found = found._replace(records=-1)
        return found

    def fragment(
        self,
        records: Sequence[Record],
        syscall: Rendered | None = None,
        *,
        behind_syscall: bool = False,
    ) -> Fragment:
        """Renders any records of an event, by type, in the order in which the types appear.

        `syscall` takes the place of the first SYSCALL record among them. `behind_syscall` is true
        if one precedes them all.
        """
        objects: dict[bytes, list[Rendered]] = {}
        arguments: list[bytes] = []
        repeated: list[tuple[bytes, Rendered]] = []
        paths = 0
        for name, body in records:
            if name == b"PATH":
                paths += 2 if _hides_directory(body) else 1
            if name == b"EXECVE":
                arguments.append(body)
                objects.setdefault(name, [])
                continue
            if name != b"SYSCALL":
                rendered = self.record(name, body)
            elif syscall is not None:
                rendered, syscall = syscall, None
            else:
                rendered = Rendered(b"{" + self.syscalls.render(body).text + b"}")
            same = objects.setdefault(name, [])
            if same and name in SINGLE_OBJECTS:
                repeated.append((name, rendered))
            else:
                same.append(rendered)
        missing = False
        executed = None
        if arguments:
            read = execve.read(arguments)
            missing = read.missing
            objects[b"EXECVE"].append(Rendered(execve.render(read, self.options)))
            executed = LazyExecution(lambda: records)
        text, look_ups, execve_end = self._join(objects, repeated)
        if self.options.record_types:
            names = [b"SYSCALL"] * behind_syscall + list(objects)
            text += self._record_types(names)
        filtered = self._is_filtered(records)
        return Fragment(
            text, look_ups, len(records), paths, missing, filtered, executed, execve_end
        )

    def _record_types(self, names: list[bytes]) -> bytes:
        key = self.options.added(native.RECORD_TYPES)
        return b',"%b":[%b]' % (key, b",".join([encode(name) for name in names]))

    def _is_filtered(self, records: Sequence[Record]) -> bool:
        """True if the address filter matches one of the records."""
        if self.options.filter_address is None:
            return False
        for name, body in records:
            if name == b"SOCKADDR":
                address = internet_address(body, big_endian=self.options.big_endian)
                if address is not None and self.options.filter_address(*address):
                    return True
        return False

    def record(self, name: bytes, body: bytes) -> Rendered:
        """Returns one record, from the cache or rendered."""
        key = name + b"\0" + body
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._records.render(name, body)
            self._rendered.remember(key, rendered)
        return rendered

    def single(self, name: bytes, body: bytes) -> Rendered:
        """Renders a record that is an event of its own. There is no cache: these hardly repeat."""
        rendered = self._records.render(name, body)
        text = b",%b:%b" % (self._key(name), rendered.text)
        if self.options.record_types:
            text += self._record_types([name])
        return Rendered(text, rendered.look_ups)

    def _key(self, name: bytes) -> bytes:
        """Returns the key for records of a type.

        Other hosts may send types of any name; none may have the key of a member that we add.
        """
        return encode(b"type=" + name if name in self._taken else name)

    def _join(
        self, objects: dict[bytes, list[Rendered]], repeated: list[tuple[bytes, Rendered]]
    ) -> tuple[bytes, tuple[LookUp, ...], int]:
        """Returns the text, its look-ups, and the index of the end of the EXECVE object."""
        pieces: list[bytes] = []
        look_ups: list[LookUp] = []
        execve_end = 0
        for name, same in objects.items():
            texts = [rendered.text for rendered in same]
            for rendered in same:
                look_ups += rendered.look_ups
            if name in SINGLE_OBJECTS:
                pieces.append(b",%b:%b" % (self._key(name), texts[0]))
                if name == b"EXECVE":
                    execve_end = sum(map(len, pieces)) - 1
            else:
                pieces.append(b",%b:[%b]" % (self._key(name), b",".join(texts)))
        if repeated:
            texts = [b"{%b:%b}" % (encode(name), rendered.text) for name, rendered in repeated]
            for _, rendered in repeated:
                look_ups += rendered.look_ups
            key = self.options.added(native.REPEATED)
            pieces.append(b',"%b":[%b]' % (key, b",".join(texts)))
        return b"".join(pieces), tuple(look_ups), execve_end


OWN_PROCESS = LookUp(b"", b"")
"""Stands for the mark that closes a SYSCALL object, which has a query of its own."""


def syscall_object(syscall: Syscall, members: bytes = b"") -> Rendered:
    """Returns the object of a SYSCALL record; the annotation closes it if there will be one.

    `members` are added to it; each has a comma in front.
    """
    if syscall.process:
        return Rendered(b"{" + syscall.text + members + MARK, (OWN_PROCESS,))
    return Rendered(b"{" + syscall.text + members + b"}")

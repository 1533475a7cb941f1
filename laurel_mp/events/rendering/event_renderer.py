"""A complete event as one line of JSON, with marks where the tracker's answers go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from laurel_mp.events.rendering.caches import BoundedCache, CacheBypass, SecondHitCache
from laurel_mp.events.rendering.event_matcher import EventMatcher
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.sequence_templates import (
    TELLS_HIDDEN,
    Record,
    SequenceTemplates,
    split_rest,
)
from laurel_mp.events.rendering.syscall import Syscall, SyscallRenderer
from laurel_mp.formats import native
from laurel_mp.records import execve
from laurel_mp.records.record import MARK, LookUp, RecordRenderer, Rendered
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import encode
from laurel_mp.records.translation import internet_address
from laurel_mp.records.types import SINGLE_OBJECTS, is_kernel

# What each memory may hold, in bytes of keys: with the rendered text about twice that.
REST_BYTES = 6 << 20
RECORD_BYTES = 3 << 20
TAIL_BYTES = 2 << 20
HEAD_BYTES = 1 << 19

MOST_MATCHERS = 4
"""For so many nodes expressions that match whole events are compiled."""

# The expression of `rests` that counts them says why.
_hides_directory = re.compile(rb'item=0 (?:name="[^"]*" )?' + TELLS_HIDDEN).match


class EventRenderer:
    """Renders the records of events by one set of options, and remembers what it rendered."""

    def __init__(self, options: RecordOptions) -> None:
        self.options = options
        self._records = RecordRenderer(options)
        self.syscalls = SyscallRenderer(self._records, HEAD_BYTES, TAIL_BYTES)
        self.rests: SecondHitCache[Fragment] = SecondHitCache(REST_BYTES)
        self.rest_cache_bypass = CacheBypass()
        self._matchers: dict[tuple[bytes | None, bool], EventMatcher] = {}
        self._rendered: SecondHitCache[Rendered] = SecondHitCache(RECORD_BYTES)
        self._taken = frozenset((native.ID, native.NODE, *map(options.added, native.ADDED)))
        self.whole = SequenceTemplates(options, self._records, self.record, self._key)

    def forget(self) -> None:
        """Drops what was remembered, when names of users may have changed."""
        self.syscalls.forget()
        self._matchers.clear()
        for memo in (self.rests, self._rendered, self.whole.path_tails):
            memo.forget()

    @property
    def memories(self) -> tuple[BoundedCache[Any], ...]:
        """All that is remembered of what was rendered."""
        syscalls = self.syscalls
        return (self.rests, self._rendered, self.whole.path_tails, syscalls.heads, syscalls.tails)

    def matcher(self, node: bytes | None, *, has_eoe: bool) -> EventMatcher | None:
        """What matches events of a node where they stand; None if there are too many of them."""
        matcher = self._matchers.get((node, has_eoe))
        if matcher is None and len(self._matchers) < MOST_MATCHERS:
            matcher = EventMatcher(self.syscalls, self.whole, node, has_eoe=has_eoe)
            self._matchers[node, has_eoe] = matcher
        return matcher

    def rest(self, text: bytes) -> Fragment:
        """The records behind a SYSCALL record.

        `text` holds a line for each, with one or more NUL bytes in place of the event's id. A count
        of -1 says that some of them belong to no other event.
        """
        found = self.rests.get(text)
        if found is None:
            found = self.render_rest(text)
            if text:  # there, an event that is whole has its end
                self.rests.remember(text, found)
        return found

    def render_rest(self, text: bytes) -> Fragment:
        """The same, not remembered."""
        found = self.whole.render(text[:-1])
        if found is None:
            records = split_rest(text)
            found = self.fragment(records, behind_syscall=True)
            if all(is_kernel(name, body) for name, body in records):
                self.whole.consider(records)
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
        """Any records of an event, by type in the order in which the types appear.

        `syscall` is what stands for a SYSCALL record among them; `behind_syscall` says that
        one stands in front of them all.
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
        """Whether a socket address among the records says filter."""
        if self.options.filter_address is None:
            return False
        for name, body in records:
            if name == b"SOCKADDR":
                address = internet_address(body, big_endian=self.options.big_endian)
                if address is not None and self.options.filter_address(*address):
                    return True
        return False

    def record(self, name: bytes, body: bytes) -> Rendered:
        """One record, remembered."""
        key = name + b"\0" + body
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._records.render(name, body)
            self._rendered.remember(key, rendered)
        return rendered

    def single(self, name: bytes, body: bytes) -> Rendered:
        """A record that is an event of its own; these hardly repeat."""
        rendered = self._records.render(name, body)
        text = b",%b:%b" % (self._key(name), rendered.text)
        if self.options.record_types:
            text += self._record_types([name])
        return Rendered(text, rendered.look_ups)

    def _key(self, name: bytes) -> bytes:
        """The key for records of a type.

        Other hosts may send types of any name; none may pass for what we say of the event.
        """
        return encode(b"type=" + name if name in self._taken else name)

    def _join(
        self, objects: dict[bytes, list[Rendered]], repeated: list[tuple[bytes, Rendered]]
    ) -> tuple[bytes, tuple[LookUp, ...], int]:
        """The text, its look_ups, and where in it the EXECVE object can be added to."""
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
"""Stands for the mark that closes a SYSCALL object: its process is known by its own query."""


def syscall_object(syscall: Syscall, members: bytes = b"") -> Rendered:
    """The object of a SYSCALL record; the annotation, if there will be one, closes it.

    `members` is what is added to it, with a comma in front of each.
    """
    if syscall.process:
        return Rendered(b"{" + syscall.text + members + MARK, (OWN_PROCESS,))
    return Rendered(b"{" + syscall.text + members + b"}")

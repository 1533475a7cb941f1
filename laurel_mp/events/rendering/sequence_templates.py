"""What stands behind a SYSCALL record, all of it at once.

Most events have one of few sequences of records. For each such sequence that comes often one
expression captures what differs from event to event in all of its records, and one template
renders them. What no expression matches goes the general way, and both give the same bytes.
"""

from __future__ import annotations

import re
from binascii import a2b_hex
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from laurel_mp.events.rendering.caches import BoundedCache
from laurel_mp.events.rendering.execution import LazyExecution, ScriptHint
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.formats import native
from laurel_mp.records import execve, proctitle
from laurel_mp.records.record import RecordRenderer, Rendered
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import ODD_QUOTED, PLAIN, encode
from laurel_mp.records.types import SINGLE_OBJECTS, is_kernel, number_of

Record = tuple[bytes, bytes]
"""A record's type and its body without blanks around it."""

Converter = Callable[[bytes], bytes | None]
"""From a value as it was written to JSON; None if the general way is to decide."""

# To learn a sequence takes as long as to render some fifty events without. Who makes up
# sequences must not make us learn for ever: each has to come often before, and more often if
# another one has to go for it.
LEARNED_AFTER = 8
REPLACED_AFTER = 100
SEQUENCES_PER_LENGTH = 8
MOST_RECORDS = 24
MOST_CANDIDATES = 256

TAIL_BYTES = 1 << 19

# Converters see to it that the digits are pairs.
_HEX = rb"[0-9A-F]+"
_NUMBER = rb"(0|[1-9][0-9]{0,17})"
# Of these two captures one is empty. What is plain is its own JSON.
_PLAIN_NAME = rb'(?:("' + PLAIN + rb'*")|('
_NAME = _PLAIN_NAME + ODD_QUOTED + rb"|" + _HEX + rb"))"
_NAME_OR_NONE = _PLAIN_NAME + ODD_QUOTED + rb"|" + _HEX + rb"|\(null\)))"
_BODY = rb"([^ \n][^\n]*)"

_FILE_CAPTURES = 5
"""Of a PATH record with an inode: item, name in two forms, inode, what is behind it."""

_HEADER = rb"type=%b msg=audit\(\0+\): *"

_OF_PATHS = frozenset((b"item", b"name", b"inode"))

TELLS_HIDDEN = rb'(?:[^"\n]* )?nametype=(?:CREATE|DELETE)(?![^ \n\x1d])'
"""Behind the name of a PATH record with `item=0`: one more path was counted.

What is created or deleted stands behind its directory. If it comes first, the kernel has hidden
the directory, but counted it: mq_open and mq_unlink [kernel: audit_inode_parent_hidden].
"""
_tells_hidden = re.compile(TELLS_HIDDEN).match


class Piece(NamedTuple):
    """How one record is matched and rendered."""

    kind: str
    """Pieces of one kind and record type are as good as the same."""
    pattern: bytes
    """Each capture may be empty; then it stands for nothing."""
    template: bytes
    converters: tuple[Converter | None, ...]
    """One for each capture; None for what is taken as it is."""


class PathTail(NamedTuple):
    """What stands behind name and inode in a PATH record."""

    members: bytes
    hides: bool
    """Whether it says that a directory was hidden, if the record is the first one."""


class PathTails(BoundedCache[PathTail | None]):
    """Files differ, this repeats."""

    __slots__ = ("_renderer",)

    def __init__(self, renderer: RecordRenderer) -> None:
        super().__init__(TAIL_BYTES)
        self._renderer = renderer

    def __missing__(self, text: bytes) -> PathTail | None:
        """None if it is not regular."""
        parts = self._renderer.render_parts(b"PATH tail", text.rstrip(b" "))
        tail = None
        if parts is not None and parts.raw and parts.keys.isdisjoint(_OF_PATHS):
            asks = self._renderer.options.look_up_pids
            if not asks or not any(key.endswith(b"pid") for key in parts.values):
                tail = PathTail(parts.raw + parts.added, _tells_hidden(text) is not None)
        self.remember(text, tail)
        return tail


class SequenceTemplate(NamedTuple):
    """A sequence of records, compiled."""

    match: Callable[[bytes], re.Match[bytes] | None]
    """Of all records, with their event's id blotted out."""
    records: tuple[tuple[bytes, bytes], ...]
    """Type and expression of each."""
    converters: tuple[tuple[int, Converter], ...]
    """By the number of the capture."""
    template: bytes
    path_tails: PathTails
    paths: tuple[tuple[int, int], ...]
    """Which captures are item and tail of each PATH record."""
    arguments: int
    """Which capture is the EXECVE record; -1 for none."""
    ends: bool
    """Whether they end an event in a stream without EOE records."""
    glances: bool
    """Whether the first two PATH records are of files."""

    def render(self, values: list[bytes]) -> tuple[bytes, int] | None:
        """What was captured, rendered, and how many paths were counted; converts `values`.

        None if it is for the general way.
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
            tail = self.path_tails[values[index]]
            if tail is None:
                return None
            values[index], hides = tail
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
        """What `render` gave and left, as a fragment."""
        executed = self.executed(values, records)
        end = self.execve_end(rendered, values) if executed is not None else 0
        return tuple.__new__(  # as Fragment does it, without the call
            Fragment, (rendered, (), len(self.records), paths, False, False, executed, end)
        )

    def executed(
        self, values: list[bytes], records: Callable[[], Sequence[Record]]
    ) -> LazyExecution | None:
        """What tells what was executed, if there is an EXECVE record."""
        if self.arguments < 0:
            return None
        return LazyExecution(records, self._glance(values, values[self.arguments]))

    def execve_end(self, rendered: bytes, values: list[bytes]) -> int:
        """Where in `rendered` members can be added to the EXECVE object, if there is one."""
        arguments = values[self.arguments]
        return rendered.index(b',"EXECVE":' + arguments) + 9 + len(arguments)

    def _glance(self, values: list[bytes], arguments: bytes) -> ScriptHint | None:
        """What rendered `values` show of a script; None if they are not as for most programs."""
        if not self.glances:
            return None
        (first, tail), *others = self.paths
        interpreter = b'""'
        if others:
            second, _ = others[0]
            interpreter = values[second + 1] if values[second] == b"1" else b""
        if values[first] != b"0" or not values[first + 1] or not interpreter:
            return None
        # If the first argument is not the interpreter, it is no script.
        return ScriptHint(values[first + 3], values[tail], b"[" + interpreter in arguments)


class SequenceTemplates:
    """Renders rests by sequences of records that it has learned."""

    def __init__(
        self,
        options: RecordOptions,
        renderer: RecordRenderer,
        render: Callable[[bytes, bytes], Rendered],
        key_of: Callable[[bytes], bytes],
    ) -> None:
        """`render` renders one record, `key_of` says under which key a record type stands."""
        self._options = options
        self._renderer = renderer
        self._render_record = render
        self._key_of = key_of
        self.path_tails = PathTails(renderer)
        argv = options.added(b"ARGV")
        self._pieces = {
            b"PATH": [
                Piece(
                    "file",
                    rb"item=" + _NUMBER + rb" name=" + _NAME_OR_NONE + rb" inode=" + _NUMBER
                    + rb" (dev=[^\n]*)",
                    b'{"item":%b,"name":%b%b,"inode":%b,%b}',
                    (None, None, _name, None, None),
                ),
                Piece(
                    "name",
                    rb"item=" + _NUMBER + rb" name=" + _NAME_OR_NONE + rb" (nametype=[^\n]*)",
                    b'{"item":%b,"name":%b%b,%b}',
                    (None, None, _name, None),
                ),
            ],
            b"CWD": [Piece("plain", rb"cwd=" + _NAME + rb" *", b'{"cwd":%b%b}', (None, _name))],
            b"PROCTITLE": [
                Piece(
                    "plain",
                    rb'proctitle=(?:("' + PLAIN + rb'*")|(' + _HEX + rb")) *",
                    b'{"%b":[%%b%%b]}' % argv,
                    (None, proctitle.words),
                )
            ],
            b"EXECVE": [Piece("plain", _BODY, b"%b", (self._arguments,))],
        }  # fmt: skip
        if not options.universal:
            self._pieces[b"SOCKADDR"] = [
                Piece("plain", rb"saddr=(" + _HEX + rb") *", b'{"saddr":%b}', (_name,))
            ]
        self._layouts: dict[int, list[SequenceTemplate]] = {}
        """By the number of records; what comes often moves to the front."""
        self._candidates: dict[tuple[tuple[bytes, str], ...], int] = {}
        """How often sequences came that are not learned."""

    @property
    def candidates(self) -> int:
        """How many sequences are counted that are not learned."""
        return len(self._candidates)

    def layouts(self, records: int) -> list[SequenceTemplate]:
        """Those learned for so many records; what comes often is in front."""
        return self._layouts.get(records, [])

    def whole(self, rest: bytes, node: bytes | None, end: bytes) -> Fragment | None:
        """The rest of an event that ends with it; None if it is for the general way.

        `rest` is as in `EventRenderer.rest`, but with the EOE record, if there are such, and
        without the last line feed. `end` is that record as in `pieces.ENDS`; empty if there are
        none.
        """
        if node is not None:
            prefix = b"node=%b " % node
            if not rest.startswith(prefix) or rest.count(b"\n" + prefix) < rest.count(b"\n"):
                return None
            rest = rest[len(prefix) :].replace(b"\n" + prefix, b"\n")
        if not end:
            return self.render(rest, ends=True)
        if rest.endswith(end):
            return self.render(rest[: -len(end)])
        # Enriched records without a node have no blank behind their header.
        return self.render(rest[: 1 - len(end)]) if rest.endswith(end[:-1]) else None

    def render(self, text: bytes, *, ends: bool = False) -> Fragment | None:
        """All records in `text`, lines without nodes; None if it is for the general way.

        With `ends` only those which end an event.
        """
        # As many ids blotted out as records: then there is none but those in the expression.
        layouts = self.layouts(text.count(b"\0):"))
        for place, layout in enumerate(layouts):
            match = layout.match(text)
            if match is None or (ends and not layout.ends):
                continue
            if place:
                layouts[place - 1], layouts[place] = layout, layouts[place - 1]
            values = list(match.groups(b""))
            rendered = layout.render(values)
            return rendered and layout.fragment(*rendered, values, partial(split_records, text))
        return None

    def consider(self, records: Sequence[Record]) -> None:
        """Counts a rest that was rendered the general way, and may learn its sequence."""
        if not 0 < len(records) <= MOST_RECORDS:
            return
        pieces = [piece for each in records if (piece := self._piece(*each)) is not None]
        if len(pieces) < len(records):
            return
        sequence = tuple(
            [(name, piece.kind) for (name, _), piece in zip(records, pieces, strict=True)]
        )
        count = self._candidates.get(sequence, 0) + 1
        if len(self._candidates) >= MOST_CANDIDATES:
            self._candidates.clear()
        self._candidates[sequence] = count
        layouts = self._layouts.setdefault(len(records), [])
        is_full = len(layouts) >= SEQUENCES_PER_LENGTH
        if count == (REPLACED_AFTER if is_full else LEARNED_AFTER) and self._is_regular(records):
            if is_full:
                layouts.pop()
            layouts.append(self._layout([name for name, _ in records], pieces))

    def _piece(self, name: bytes, body: bytes) -> Piece | None:
        """How records like this one are rendered; None if they are for the general way."""
        pieces = self._pieces.get(name, [])
        for piece in pieces:
            # No other way renders arguments: several records can be one list.
            if name == b"EXECVE" or re.fullmatch(piece.pattern, body):
                return piece
        if name == b"PATH":
            return None  # the general way counts what others hide
        layout = self._renderer.plain_layout(name, body)
        if layout is not None:
            pattern, template = layout
            values = re.compile(pattern).groups
            return Piece(template.decode("latin-1"), pattern, b"{%b}" % template, (None,) * values)
        return Piece("any", _BODY, b"%b", (partial(self._record, name),))

    def _is_regular(self, records: Sequence[Record]) -> bool:
        """Whether records of these types, in this order, are rendered one after another."""
        names = [name for name, _ in records]
        runs = [name for name, last in zip(names, [b"", *names], strict=False) if name != last]
        return (
            len(set(names)) == len(runs)
            and not {b"SYSCALL", b"EOE"} & set(names)
            and all(names.count(name) == 1 for name in names if name in SINGLE_OBJECTS)
            and all(number_of(name) is not None and is_kernel(name, b"") for name in names)
            and not (b"SOCKADDR" in names and self._options.filter_address is not None)
        )

    def _layout(self, names: list[bytes], pieces: list[Piece]) -> SequenceTemplate:
        converters: list[Converter | None] = []
        objects: dict[bytes, list[bytes]] = {}
        arguments = -1
        paths: list[tuple[int, int]] = []
        for name, piece in zip(names, pieces, strict=True):
            if name == b"EXECVE":
                arguments = len(converters)
            first = len(converters)
            converters += piece.converters
            if name == b"PATH":
                paths.append((first, len(converters) - 1))
            objects.setdefault(name, []).append(piece.template)
        template = [
            b",%b:%b" % (self._key_of(name), same[0])
            if name in SINGLE_OBJECTS
            else b",%b:[%b]" % (self._key_of(name), b",".join(same))
            for name, same in objects.items()
        ]
        if self._options.record_types:
            types = b",".join([encode(name) for name in (b"SYSCALL", *objects)])
            template.append(b',"%b":[%b]' % (self._options.added(native.RECORD_TYPES), types))
        records = [(name, piece.pattern) for name, piece in zip(names, pieces, strict=True)]
        pattern = [_HEADER % re.escape(name) + expression for name, expression in records]
        return SequenceTemplate(
            re.compile(rb"\n".join(pattern)).fullmatch,
            tuple(records),
            tuple([(index, each) for index, each in enumerate(converters) if each is not None]),
            b"".join(template),
            self.path_tails,
            tuple(paths),
            arguments,
            names[-1] == b"PROCTITLE",
            bool(paths) and all(tail - item == _FILE_CAPTURES - 1 for item, tail in paths[:2]),
        )

    def _record(self, name: bytes, body: bytes) -> bytes | None:
        rendered = self._render_record(name, body.rstrip(b" "))
        return None if rendered.look_ups else rendered.text

    def _arguments(self, body: bytes) -> bytes | None:
        return execve.render_regular(body.rstrip(b" "), self._options)


def _name(written: bytes) -> bytes | None:
    """The JSON for a name that is not quoted and plain; None if it was cut."""
    if written.startswith(b'"'):
        return encode(written[1:-1])
    if written == b"(null)":
        return b"null"
    return None if len(written) % 2 else encode(a2b_hex(written))


def split_rest(text: bytes) -> list[Record]:
    """The records in what `EventRenderer.rest` takes: lines, each with its line feed."""
    return split_records(text[:-1]) if text else []


def split_records(text: bytes) -> list[Record]:
    """The same for lines without the last line feed."""
    records = []
    for line in text.split(b"\n"):
        header, _, body = line.partition(b"\0")
        name = header[header.rfind(b"type=") + 5 : -len(b" msg=audit(")]
        records.append((name, body.lstrip(b"\0")[2:].strip(b" ")))
    return records

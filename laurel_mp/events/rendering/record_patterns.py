"""Expressions and templates for single records, of which those for sequences are made."""

from __future__ import annotations

import re
from binascii import a2b_hex
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from laurel_mp.events.rendering.caches import BoundedCache
from laurel_mp.records import enriched, execve, proctitle
from laurel_mp.records.record import RecordRenderer, Rendered
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import ODD_QUOTED, PLAIN, encode

Record = tuple[bytes, bytes]
"""Type and body of a record, the body without blanks around it."""

Converter = Callable[[bytes], bytes | None]
"""Renders a value as written in a record; None if no template is to render the record."""

PATH_ATTRIBUTE_BYTES = 1 << 19

# Converters check that the digits are pairs.
_HEX = rb"[0-9A-F]+"
_NUMBER = rb"(0|[1-9][0-9]{0,17})"
# One of the two captures is empty. Plain text is its own JSON.
_PLAIN_NAME = rb'(?:("' + PLAIN + rb'*")|('
_NAME = _PLAIN_NAME + ODD_QUOTED + rb"|" + _HEX + rb"))"
_NAME_OR_NONE = _PLAIN_NAME + ODD_QUOTED + rb"|" + _HEX + rb"|\(null\)))"
_BODY = rb"([^ \n][^\n]*)"

FILE_CAPTURES = 5
"""Captures of a PATH record with an inode: item, name in two forms, inode, attributes."""

_BEFORE_ATTRIBUTES = frozenset((b"item", b"name", b"inode"))

TELLS_HIDDEN = (
    rb'(?:[^"\n]* )?nametype=(?:CREATE|DELETE)'
    rb"(?=" + enriched.SEPARATED + rb"|OUID=|\n|\Z)"
)  # fmt: skip
"""Follows the name in a PATH record with `item=0` if `items=` counts one more path.

The directory of what is created or deleted comes first. If it does not, the kernel has hidden the
directory, but counted it: mq_open and mq_unlink [kernel: audit_inode_parent_hidden].
"""
_tells_hidden = re.compile(TELLS_HIDDEN).match


class RecordPattern(NamedTuple):
    """Matches records of one kind, and renders them."""

    kind: str
    """Patterns of the same kind and record type are interchangeable."""
    pattern: bytes
    """Each capture may be empty; an empty one renders as nothing."""
    template: bytes
    converters: tuple[Converter | None, ...]
    """One for each capture; None if the value is used as written."""


class PathAttributes(NamedTuple):
    """Members of a PATH record behind name and inode: device, mode, owner, and so on."""

    members: bytes
    hides: bool
    """True if the kernel has hidden a directory, given that the record is the first one."""


class PathAttributesCache(BoundedCache[PathAttributes | None]):
    """Renders attributes of PATH records; they repeat, unlike the files."""

    __slots__ = ("_renderer",)

    def __init__(self, renderer: RecordRenderer) -> None:
        super().__init__(PATH_ATTRIBUTE_BYTES)
        self._renderer = renderer

    def __missing__(self, text: bytes) -> PathAttributes | None:
        """Renders `text`; None for irregular attributes."""
        parts = self._renderer.render_parts(b"PATH attributes", text.rstrip(b" "))
        found = None
        if parts is not None and parts.raw and parts.keys.isdisjoint(_BEFORE_ATTRIBUTES):
            asks = self._renderer.options.look_up_pids
            if not asks or not any(key.endswith(b"pid") for key in parts.values):
                found = PathAttributes(parts.raw + parts.added, _tells_hidden(text) is not None)
        self.remember(text, found)
        return found


class RecordPatterns:
    """Finds the pattern for a record."""

    def __init__(
        self,
        options: RecordOptions,
        renderer: RecordRenderer,
        render: Callable[[bytes, bytes], Rendered],
    ) -> None:
        """`render` renders one record by type and body."""
        self._options = options
        self._renderer = renderer
        self._render = render
        argv = options.added(b"ARGV")
        self._patterns = {
            b"PATH": [
                RecordPattern(
                    "file",
                    rb"item=" + _NUMBER + rb" name=" + _NAME_OR_NONE + rb" inode=" + _NUMBER
                    + rb" (dev=[^\n]*)",
                    b'{"item":%b,"name":%b%b,"inode":%b,%b}',
                    (None, None, _name, None, None),
                ),
                RecordPattern(
                    "name",
                    rb"item=" + _NUMBER + rb" name=" + _NAME_OR_NONE + rb" (nametype=[^\n]*)",
                    b'{"item":%b,"name":%b%b,%b}',
                    (None, None, _name, None),
                ),
            ],
            b"CWD": [
                RecordPattern("plain", rb"cwd=" + _NAME + rb" *", b'{"cwd":%b%b}', (None, _name))
            ],
            b"PROCTITLE": [
                RecordPattern(
                    "plain",
                    rb'proctitle=(?:("' + PLAIN + rb'*")|(' + _HEX + rb")) *",
                    b'{"%b":[%%b%%b]}' % argv,
                    (None, proctitle.words),
                )
            ],
            b"EXECVE": [RecordPattern("plain", _BODY, b"%b", (self._arguments,))],
        }  # fmt: skip
        if not options.universal:
            self._patterns[b"SOCKADDR"] = [
                RecordPattern("plain", rb"saddr=(" + _HEX + rb") *", b'{"saddr":%b}', (_name,))
            ]

    def find(self, name: bytes, body: bytes) -> RecordPattern | None:
        """Returns the pattern for a record; None if no template is to render the record."""
        for pattern in self._patterns.get(name, []):
            # Arguments have one pattern only: several records can be one list.
            if name == b"EXECVE" or re.fullmatch(pattern.pattern, body):
                return pattern
        if name == b"PATH":
            return None  # hidden directories are counted elsewhere
        layout = self._renderer.plain_layout(name, body)
        if layout is not None:
            expression, template = layout
            values = re.compile(expression).groups
            kind = template.decode("latin-1")
            return RecordPattern(kind, expression, b"{%b}" % template, (None,) * values)
        return RecordPattern("any", _BODY, b"%b", (partial(self._record, name),))

    def _record(self, name: bytes, body: bytes) -> bytes | None:
        rendered = self._render(name, body.rstrip(b" "))
        return None if rendered.look_ups else rendered.text

    def _arguments(self, body: bytes) -> bytes | None:
        return execve.render_regular(body.rstrip(b" "), self._options)


def _name(written: bytes) -> bytes | None:
    """Returns the JSON for a name that is not quoted plain text; None if it was cut."""
    if written.startswith(b'"'):
        return encode(written[1:-1])
    if written == b"(null)":
        return b"null"
    return None if len(written) % 2 else encode(a2b_hex(written))

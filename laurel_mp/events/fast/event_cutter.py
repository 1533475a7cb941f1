"""Cuts a batch into runs of lines of one node, and these where events begin.

The records of most events stand in one piece, from SYSCALL to the record that ends the event. So
a batch is split at its SYSCALL records, and in each piece the event's id is blanked in all headers:
then the records behind SYSCALL have the same text for events that do the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from laurel_mp.events.rendering.syscall import NUMBERS
from laurel_mp.records.header import MAX_ID, NODE, TYPE, count_lines
from laurel_mp.records.types import canonical

CALL = re.compile(rb"\0+\): " + NUMBERS + rb" (items=[^\n]*)\n((?s:.*))").match
"""Matches a piece with its id blanked: captures operation, exit, a0 to a3, caller, and the lines
behind the SYSCALL record."""

BLANKS = [b"\0" * length + b"):" for length in range(MAX_ID + 1)]
"""Replacement of an id and the `):` behind it, by the length of the id.

It has as many bytes as the id: such a replacement takes half of the time of others. The `):` is
searched for, too, because an id followed by it hardly occurs outside of headers.
"""

ENDS = [b"\ntype=EOE msg=audit(%b " % blank for blank in BLANKS]
"""The end of an event in a stream with EOE records, by the length of its id."""

_run = re.compile(rb"node=(" + NODE + rb") [^\n]*\n(?:node=\1 [^\n]*\n){0,1000}|[^\n]*\n")
_header = re.compile(rb"type=(" + TYPE + rb") msg=audit\(").fullmatch


def runs(blob: bytes, start: int, end: int) -> Iterator[tuple[bytes | None, int, int]]:
    """Yields node, begin and end of each run of lines of one node.

    A run that begins with a line without a node takes all lines: some of them may have a node.
    """
    if not blob.startswith(b"node=", start):
        yield None, start, end
        return
    node = blob[start + 5 : blob.index(b" ", start)]
    others = 1 + blob.count(b"\nnode=%b " % node, start, end) - count_lines(blob[start:end])
    if not others:
        yield node, start, end
        return
    for match in _run.finditer(blob, start, end):
        yield match[1], *match.span()


def event_length(text: bytes, node: bytes | None, *, has_eoe: bool) -> int:
    """Returns the number of bytes of `text` up to the end of the event; 0 if it does not end.

    `text` holds the lines behind a SYSCALL record, the last one without its line feed. The event's
    id must be blanked in headers, and nowhere else.
    """
    end = 0
    prefix = b"" if node is None else b"node=%b " % node
    for line in text.split(b"\n"):
        header, _, body = line.partition(b"\0")
        match = _header(header, len(prefix))
        body = body.lstrip(b"\0")
        if match is None or not header.startswith(prefix) or not body.startswith(b"):"):
            return 0
        if b"\0" in body:
            return 0
        end += len(line)
        name = canonical(match[1])
        if name == b"SYSCALL":
            return 0
        if name == b"EOE":
            return end if has_eoe else 0
        if name == b"PROCTITLE" and not has_eoe:
            return end
        end += 1
    return 0


def split(blob: bytes, start: int, end: int, begins: bytes) -> tuple[list[bytes], int]:
    """Splits whole lines in front of each line that begins with `begins`.

    Returns the pieces, without `begins` and without their last line feed, and the index at which
    the first one stood.
    """
    first, *pieces = blob[start:end].split(b"\n" + begins)
    begin = start
    if first.startswith(begins):
        pieces.insert(0, first[len(begins) :])
    elif pieces:
        begin += len(first) + 1
    else:
        begin = end
    if pieces:
        pieces[-1] = pieces[-1][:-1]
    return pieces, begin

"""Cuts the lines of a batch where events begin.

Most events of a stream stand in one piece: all their records, one behind the other, from
SYSCALL to the record that ends the event. So a batch is split at its SYSCALL records, and from
each piece the event's id is blotted out wherever a header has it: what is left behind the
SYSCALL record is the same for events that do the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from laurel_mp.events.rendering.syscall import NUMBERS
from laurel_mp.records.header import MAX_ID, NODE, TYPE, count_lines

CALL = re.compile(rb"\0+\): " + NUMBERS + rb" (items=[^\n]*)\n((?s:.*))").match
"""A piece with its id blotted out: head, exit, a0 to a3, tail, and the lines behind the record."""

BLOTS = [b"\0" * length + b"):" for length in range(MAX_ID + 1)]
"""By the length of an id, what goes in place of it and what stands behind it in headers.

A replacement by as many bytes takes half of the time of others, and what stands behind an id is
looked for with it because it hardly stands elsewhere.
"""

ENDS = [b"\ntype=EOE msg=audit(%b " % blot for blot in BLOTS]
"""By the length of an id, what an event ends with in a stream with EOE records."""

_run = re.compile(rb"node=(" + NODE + rb") [^\n]*\n(?:node=\1 [^\n]*\n){0,1000}|[^\n]*\n")
_header = re.compile(rb"type=(" + TYPE + rb") msg=audit\(").fullmatch


def runs(blob: bytes, start: int, end: int) -> Iterator[tuple[bytes | None, int, int]]:
    """Node, begin and end of runs of lines of one node.

    A run that begins with a line without a node is not looked through: there may be lines of
    nodes in it.
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


def closed(rest: bytes, node: bytes | None, *, has_eoe: bool) -> int:
    """How much of `rest` belongs to an event that is whole; 0 if it is not.

    `rest` holds the lines behind a SYSCALL record, the last one without its line feed, with the
    event's id blotted out. It must not be blotted out elsewhere than in headers.
    """
    end = 0
    prefix = b"" if node is None else b"node=%b " % node
    for line in rest.split(b"\n"):
        header, _, body = line.partition(b"\0")
        match = _header(header, len(prefix))
        body = body.lstrip(b"\0")
        if match is None or not header.startswith(prefix) or not body.startswith(b"):"):
            return 0
        if b"\0" in body:
            return 0
        end += len(line)
        name = match[1]
        if name == b"SYSCALL":
            return 0
        if name == b"EOE":
            return end if has_eoe else 0
        if name == b"PROCTITLE" and not has_eoe:
            return end
        end += 1
    return 0


def split(blob: bytes, start: int, end: int, begins: bytes) -> tuple[list[bytes], int]:
    """Whole lines, split in front of each that begins with `begins`, and where the first one is.

    What comes back of each is behind that, and without its last line feed.
    """
    first, *texts = blob[start:end].split(b"\n" + begins)
    begin = start
    if first.startswith(begins):
        texts.insert(0, first[len(begins) :])
    elif texts:
        begin += len(first) + 1
    else:
        begin = end
    if texts:
        texts[-1] = texts[-1][:-1]
    return texts, begin

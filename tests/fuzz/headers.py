"""Target `headers`: all who look at headers agree on which lines have a valid one, and which not.

The grammar of a header stands in five regular expressions, each made for its own purpose; here
it stands once more, as plain code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from laurel_mp.events.fast import event_cutter
from laurel_mp.records.header import LINE
from laurel_mp.stages.router import Router
from tests.fuzz import seeds
from tests.fuzz.mutation import (
    AUDIT_TOKENS,
    AUDIT_VALUES,
    STREAM,
    LineMutator,
    Vocabulary,
)
from tests.fuzz.target import Target

MAX_LINE = 1000
"""Limit of the router here, without a line feed."""


class Header(NamedTuple):
    """A line taken apart."""

    node: bytes | None
    name: bytes
    id: bytes
    body: bytes


def read(line: bytes) -> Header | None:
    """A line without its line feed, or None if it has no valid header."""
    node = None
    if line.startswith(b"node="):
        node, blank, line = line.removeprefix(b"node=").partition(b" ")
        if not blank or not 1 <= len(node) <= 255 or b"\0" in node:
            return None
    if not line.startswith(b"type="):
        return None
    name, _, line = line.removeprefix(b"type=").partition(b" ")
    if not 1 <= len(name) <= 64 or b"=" in name or b"\0" in name:
        return None
    start, bracket, rest = line.partition(b"(")
    id_, end, body = rest.partition(b"):")
    if start + bracket != b"msg=audit(" or not end:
        return None
    seconds, dot, rest = id_.partition(b".")
    millis, colon, serial = rest.partition(b":")
    numbers = ((seconds, 1, 12), (millis, 3, 3), (serial, 1, 20))
    if not dot or not colon:
        return None
    if not all(low <= len(text) <= high and text.isdigit() for text, low, high in numbers):
        return None
    return Header(node, name, id_, body)


def check(data: bytes) -> None:
    """Compares the plain reading with all the others."""
    lines = data.split(b"\n")
    blob = data + b"\n"
    valid = []
    for line in lines:
        header = read(line)
        match = LINE.fullmatch(line + b"\n")
        assert header == (match and Header(*match.groups())), line
        if header is not None and len(header.body) <= MAX_LINE:
            valid.append(line)
    for workers in (1, 3):
        batch = Router(workers, max_line_bytes=MAX_LINE).route(blob, 0, final=True)
        routed = [line for _, line in batch.malformed]
        assert [line for line in lines if line not in valid] == routed
        assert [blob.index(b"\n", at) - at for at, _ in batch.malformed] == list(map(len, routed))
        parts = []
        homes: dict[tuple[bytes | None, bytes], int] = {}
        for worker, share in enumerate(batch.shares):
            start = 0
            for position, length in share.segments:
                piece = share.blob[start : start + length]
                assert piece == blob[position : position + length]
                parts.append((position, piece))
                start += length
                for line in piece.split(b"\n")[:-1]:
                    header = read(line)
                    assert header is not None
                    assert worker == homes.setdefault((header.node, header.id), worker)
            assert start == len(share.blob)
        assert valid == b"".join(piece for _, piece in sorted(parts)).split(b"\n")[:-1]
    check_pieces(b"".join(line + b"\n" for line in valid))


def check_pieces(blob: bytes) -> None:
    """The decoder's pieces cover each byte, and only lines of one event are taken for an event."""
    place = 0
    for node, start, end in event_cutter.runs(blob, 0, len(blob)):
        assert start == place
        begins = b"type=SYSCALL msg=audit(" if node is None else b"node=%b type=SYSCALL msg=audit("
        begins = begins if node is None else begins % node
        texts, place = event_cutter.split(blob, start, end, begins)
        for text in texts:
            assert blob.startswith(begins + text + b"\n", place)
            place += len(begins) + len(text) + 1
            _check_piece(node, text)
        assert place == end
    assert place == len(blob)


def _check_piece(node: bytes | None, text: bytes) -> None:
    id_, _, _ = text.partition(b")")
    header = b" msg=audit(%b):" % id_
    _, _, rest = text.replace(header, b"\0").partition(b"\n")
    for has_eoe in (True, False):
        event = rest[: event_cutter.event_length(rest, node, has_eoe=has_eoe)]
        found = [read(line) for line in event.replace(b"\0", header).split(b"\n") if line]
        assert all(one is not None and (one.node, one.id) == (node, id_) for one in found)
        ends = [one.name for one in found if one and one.name in (b"SYSCALL", b"EOE")]
        assert ends == [b"EOE"] * (has_eoe and bool(event))


def _seeds() -> Iterator[bytes]:
    yield b"type=PATH msg=audit(1.000:1):\nnode=a type=PATH msg=audit(1.000:1): a=1"
    for more in (0, 1):  # as long as they may be, and longer
        for node, name, seconds, serial in (
            (255, 9, 9, 9),
            (9, 64, 9, 9),
            (9, 9, 12, 9),
            (9, 9, 9, 20),
        ):
            parts = (b"n" * (node + more), b"T" * (name + more), b"1" * (seconds + more))
            yield b"node=%b type=%b msg=audit(%b.123:%b): a=1" % (*parts, b"7" * (serial + more))
    yield from (event.removesuffix(b"\n") for event in seeds.events(1200))


_vocabulary = Vocabulary(
    seeds.lines(),
    (*AUDIT_VALUES, b"audit(1.000:1):", b"n" * 255, b"n" * 256, b"1" * 12),
    (*AUDIT_TOKENS, b"msg=audit(", b"):", b":", b".", b"(", b")", b"X" * 64, b"x" * MAX_LINE),
)

HEADERS = Target(
    "headers", check, _seeds, LineMutator(STREAM, _vocabulary), longest=3000, plain=(read,)
)

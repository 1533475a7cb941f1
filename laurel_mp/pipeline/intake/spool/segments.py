"""One file of the spool: a header, then records of input, which are only ever appended.

    magic 8 | version 4 | boot id 16 | mark 8 | record | record | ...
    record: length 4 | crc 4 | arrival 8 | data

Numbers are little endian. The mark is where the first record stands that is still wanted. The crc
is that of arrival and data.
"""

from __future__ import annotations

import math
import os
import re
import stat
import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from laurel_mp.pipeline.intake.pieces import Piece

MAGIC = b"LMPSPOOL"
VERSION = 1
HEADER = struct.Struct("<8sI16sQ")
MARK = struct.Struct("<Q")
MARK_AT = HEADER.size - MARK.size
RECORD = struct.Struct("<IId")
ARRIVAL = struct.Struct("<d")
NAME = re.compile(r"segment-(\d{10})\Z", re.ASCII)


class BadSegmentError(Exception):
    """What is wrong with a file of the spool; the text is for the log."""


class Found(NamedTuple):
    """What a segment of a former run holds that is still wanted."""

    boot: bytes
    mark: int
    end: int
    """Where its whole records end."""
    torn: int
    """Bytes behind that: a record that was not written whole."""
    pieces: int
    data: int
    """Bytes of input in those."""
    last_arrival: float


@dataclass(slots=True, eq=False)
class Segment:
    """A segment in use: what of it was read, and where its records end."""

    number: int
    end: int
    pieces: int = 0
    """Records that were not read yet."""
    data: int = 0
    """Bytes of input in those."""
    offset: int = HEADER.size
    """Where the first of those stands."""
    later: float = 0.0
    """Seconds to add to arrivals: those of another boot are moved up to now."""
    latest: float = math.inf
    """No arrival was later: when the segment of a former run was found."""

    @property
    def name(self) -> str:
        """Its file's name."""
        return name_of(self.number)


def name_of(number: int) -> str:
    """The name of a segment's file; names sort as numbers do."""
    return f"segment-{number:010d}"


def header(boot: bytes) -> bytes:
    """What a new segment begins with."""
    return HEADER.pack(MAGIC, VERSION, boot, HEADER.size)


def framed_size(piece: Piece) -> int:
    """How many bytes of a file a piece takes."""
    return RECORD.size + len(piece.data)


def frame(piece: Piece) -> bytes:
    """What stands before a piece's data."""
    crc = zlib.crc32(piece.data, zlib.crc32(ARRIVAL.pack(piece.arrival)))
    return RECORD.pack(len(piece.data), crc, piece.arrival)


def read_record(fd: int, offset: int, end: int) -> Piece:
    """The record at `offset`. Raises BadSegmentError, or OSError."""
    head = os.pread(fd, RECORD.size, offset)
    if len(head) < RECORD.size:
        raise BadSegmentError("it is shorter than it was")
    size, crc, arrival = RECORD.unpack(head)
    if size > end - offset - RECORD.size:
        raise BadSegmentError(f"no record at {offset}")
    data = os.pread(fd, size, offset + RECORD.size)
    if zlib.crc32(data, zlib.crc32(ARRIVAL.pack(arrival))) != crc or not math.isfinite(arrival):
        raise BadSegmentError(f"the record at {offset} is damaged")
    return Piece(data, arrival)


def inspect(fd: int) -> Found:
    """Looks at the frames of a former run's segment. Raises BadSegmentError, or OSError."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise BadSegmentError("it is not a file")
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o022:
        raise BadSegmentError("others may have written it")
    if not status.st_size:  # whoever made it was killed before it could write to it
        return Found(b"", 0, 0, 0, 0, 0, 0.0)
    head = os.pread(fd, HEADER.size, 0)
    if len(head) < HEADER.size:
        raise BadSegmentError("it has no whole header")
    magic, version, boot, mark = HEADER.unpack(head)
    if magic != MAGIC or version != VERSION:
        raise BadSegmentError("another program, or another version of this one, has written it")
    if not HEADER.size <= mark <= status.st_size:
        raise BadSegmentError("its header is damaged")
    offset, pieces, data, last = mark, 0, 0, 0.0
    while len(record := os.pread(fd, RECORD.size, offset)) == RECORD.size:
        size, _, arrival = RECORD.unpack(record)
        if not size or offset + RECORD.size + size > status.st_size:
            break
        offset += RECORD.size + size
        pieces += 1
        data += size
        last = arrival if math.isfinite(arrival) else last
    return Found(boot, mark, offset, status.st_size - offset, pieces, data, last)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Writes all of it at `offset`. Raises OSError; then some of it may be there."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, offset)
        offset += written
        rest = rest[written:]

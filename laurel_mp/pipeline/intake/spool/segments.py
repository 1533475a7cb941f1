"""Segments, the files of the spool: a header, then records of input, append-only.

    magic 8 | version 4 | boot id 16 | mark 8 | record | record | ...
    record: length 4 | crc 4 | arrival 8 | data

Numbers are little endian. The mark is the offset of the first record that was not released. The
crc covers arrival and data.
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
    """A file of the spool is not valid; its text follows the file's name in the log."""


class Found(NamedTuple):
    """The contents of a segment of a former run."""

    boot: bytes
    mark: int
    end: int
    """Offset behind the last complete record."""
    torn: int
    """Bytes behind that, of an incomplete record."""
    pieces: int
    """Records that were not released."""
    data: int
    """Bytes of input in those."""
    last_arrival: float


@dataclass(slots=True, eq=False)
class Segment:
    """A segment in use: how far it was read, and where its records end."""

    number: int
    end: int
    pieces: int = 0
    """Unread records."""
    data: int = 0
    """Bytes of input in those."""
    offset: int = HEADER.size
    """Offset of the first unread record."""
    later: float = 0.0
    """Seconds to add to arrivals, if they are of another boot."""
    latest: float = math.inf
    """Upper limit for arrivals: when the segment of a former run was found."""

    @property
    def name(self) -> str:
        """Name of the file."""
        return name_of(self.number)


def name_of(number: int) -> str:
    """Returns the name of a segment's file; names sort like numbers."""
    return f"segment-{number:010d}"


def header(boot: bytes) -> bytes:
    """Returns the header of a new segment."""
    return HEADER.pack(MAGIC, VERSION, boot, HEADER.size)


def framed_size(piece: Piece) -> int:
    """Returns the size of a piece's record in bytes."""
    return RECORD.size + len(piece.data)


def frame(piece: Piece) -> bytes:
    """Returns what precedes the data in a piece's record."""
    crc = zlib.crc32(piece.data, zlib.crc32(ARRIVAL.pack(piece.arrival)))
    return RECORD.pack(len(piece.data), crc, piece.arrival)


def read_record(fd: int, offset: int, end: int) -> Piece:
    """Returns the record at `offset`. Raises BadSegmentError, or OSError."""
    head = os.pread(fd, RECORD.size, offset)
    if len(head) < RECORD.size:
        raise BadSegmentError("truncated")
    size, crc, arrival = RECORD.unpack(head)
    if size > end - offset - RECORD.size:
        raise BadSegmentError(f"no record at {offset}")
    data = os.pread(fd, size, offset + RECORD.size)
    if zlib.crc32(data, zlib.crc32(ARRIVAL.pack(arrival))) != crc or not math.isfinite(arrival):
        raise BadSegmentError(f"damaged record at {offset}")
    return Piece(data, arrival)


def inspect(fd: int) -> Found:
    """Checks the records of a former run's segment, without their data.

    Raises BadSegmentError, or OSError.
    """
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise BadSegmentError("not a regular file")
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o022:
        raise BadSegmentError("others may have written it")
    if not status.st_size:  # its process was killed before the first write
        return Found(b"", 0, 0, 0, 0, 0, 0.0)
    head = os.pread(fd, HEADER.size, 0)
    if len(head) < HEADER.size:
        raise BadSegmentError("incomplete header")
    magic, version, boot, mark = HEADER.unpack(head)
    if magic != MAGIC or version != VERSION:
        raise BadSegmentError("unknown magic or version")
    if not HEADER.size <= mark <= status.st_size:
        raise BadSegmentError("damaged header")
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
    """Writes all of `data` at `offset`. Raises OSError, perhaps behind a part of it."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, offset)
        offset += written
        rest = rest[written:]

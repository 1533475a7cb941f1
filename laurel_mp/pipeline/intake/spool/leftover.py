"""Segments that a former run left in the spool."""

from __future__ import annotations

import logging
import os
from typing import NamedTuple

from laurel_mp.pipeline.intake.spool import segments
from laurel_mp.pipeline.intake.spool.segments import BadSegmentError, Found, Segment
from laurel_mp.pipeline.intake.spool.spool_directory import CORRUPT, SpoolDirectory

log = logging.getLogger(__name__)


class Former(NamedTuple):
    """Segments of a former run, in order, each with records to read."""

    segments: list[Segment]
    last: bytes
    """The last byte of input in them; empty if there is none."""


def find(directory: SpoolDirectory, boot: bytes, now: float) -> Former:
    """Returns the segments in the directory; renames files that are not valid. Raises OSError.

    Arrivals of another boot than `boot` are moved so that the last one of that boot is `now`.
    """
    former: list[Segment] = []
    boots: list[bytes] = []
    ends: dict[bytes, float] = {}
    last = b""
    for name in directory.names():
        if name.endswith(CORRUPT) or (inspected := _inspect(directory, name)) is None:
            continue
        number, found, last = inspected
        former.append(Segment(number, found.end, found.pieces, found.data, found.mark, latest=now))
        boots.append(found.boot)
        ends[found.boot] = found.last_arrival
    for segment, its_boot in zip(former, boots, strict=True):
        if its_boot != boot:
            segment.later = now - ends[its_boot]
    return Former(former, last)


def _inspect(directory: SpoolDirectory, name: str) -> tuple[int, Found, bytes] | None:
    """Returns number, contents and last byte of a segment; None if it has nothing to read."""
    matched = segments.NAME.match(name)
    if matched is None:
        directory.set_aside(name, "not a segment")
        return None
    try:
        fd = directory.open(name)
    except OSError as error:
        directory.set_aside(name, error.strerror)
        return None
    try:
        found = segments.inspect(fd)
        last = os.pread(fd, 1, found.end - 1) if found.pieces else b""
    except (BadSegmentError, OSError) as error:
        directory.set_aside(name, error)
        return None
    finally:
        os.close(fd)
    if found.torn:
        log.warning(
            "spool %s: %s: ignoring an incomplete record of %d bytes at the end",
            directory.path,
            name,
            found.torn,
        )
    if not found.pieces:
        directory.remove(name)
        return None
    return int(matched[1]), found, last

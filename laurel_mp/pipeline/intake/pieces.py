"""Pieces: input as it was read, with its arrival time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from laurel_mp.stages.packing import check_plain

TOGETHER = 0.1
"""Seconds within which reads may be joined to one piece. No time-out of an event is shorter."""


class Piece(NamedTuple):
    """Bytes of one or several reads; may end within a line."""

    data: bytes
    arrival: float
    """Time of the (first) read, by time.monotonic() of this boot."""


def pop_joined(pieces: deque[Piece], most: int) -> Piece:
    """Removes and joins the first pieces that arrived together, up to about `most` bytes."""
    first = pieces.popleft()
    if not pieces or len(first.data) >= most:
        return first
    parts, size, latest = [first.data], len(first.data), first.arrival + TOGETHER
    while pieces and size < most and pieces[0].arrival <= latest:
        parts.append(pieces.popleft().data)
        size += len(parts[-1])
    return Piece(b"".join(parts), first.arrival)


def pieces_of_plain(plain: Any) -> list[Piece]:
    """Returns the pieces of a state file; raises SnapshotError for anything else."""
    return check_plain(plain, list[Piece])


def shifted(pieces: Sequence[Piece], now: float) -> list[Piece]:
    """Returns pieces of another boot with arrivals moved so that the last one is `now`."""
    if not pieces:
        return []
    by = now - pieces[-1].arrival
    return [Piece(data, min(arrival + by, now)) for data, arrival in pieces]

"""Input on its way to the pipeline: bytes, and when they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from laurel_mp.stages.packing import check_plain

TOGETHER = 0.1
"""Seconds within which reads may be joined to one piece: time-outs of events depend on when their
records came, and are not shorter than that."""


class Piece(NamedTuple):
    """Some of the input, wherever a read happened to end."""

    data: bytes
    arrival: float
    """When it was read: time.monotonic() of this boot. Of joined pieces, when the first was."""


def pop_joined(pieces: deque[Piece], most: int) -> Piece:
    """Takes the first piece, with those that came with it, up to about `most` bytes."""
    first = pieces.popleft()
    if not pieces or len(first.data) >= most:
        return first
    parts, size, latest = [first.data], len(first.data), first.arrival + TOGETHER
    while pieces and size < most and pieces[0].arrival <= latest:
        parts.append(pieces.popleft().data)
        size += len(parts[-1])
    return Piece(b"".join(parts), first.arrival)


def pieces_of_plain(plain: Any) -> list[Piece]:
    """Pieces as msgpack has them, from a file; raises SnapshotError for anything else."""
    return check_plain(plain, list[Piece])


def shifted(pieces: Sequence[Piece], now: float) -> list[Piece]:
    """Pieces of another boot, as if the last one came `now`, and the others so long before."""
    if not pieces:
        return []
    by = now - pieces[-1].arrival
    return [Piece(data, min(arrival + by, now)) for data, arrival in pieces]

"""Which worker an event belongs to."""

from __future__ import annotations

from zlib import crc32


def block_of(id_: bytes) -> bytes:
    """The block of an event with this id: all but the last two digits of its serial."""
    return id_.partition(b":")[2][:-2]


def shard(node: bytes | None, block: bytes, workers: int) -> int:
    """The worker of all events of a node whose serials are in one block."""
    return crc32(block, crc32(node or b"")) % max(workers, 1)

"""Assigns events to workers."""

from __future__ import annotations

from zlib import crc32


def block_of(id_: bytes) -> bytes:
    """Returns the block of an event id: all but the last two digits of its serial."""
    return id_.partition(b":")[2][:-2]


def shard(node: bytes | None, block: bytes, workers: int) -> int:
    """Returns the number of the worker for all events of a node whose serials are in a block."""
    return crc32(block, crc32(node or b"")) % max(workers, 1)

"""Packed state taken apart, changed anywhere, and put together with checksums that are right."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import msgpack

from laurel_mp.stages.packing import VERSION

NUMBERS = (0, 1, 2, 3, 7, 1 << 20, 1 << 32, (1 << 61) - 1, 1 << 61, (1 << 64) - 1, -1, -(1 << 63))
ODD = (
    *NUMBERS, None, True, False, 0.5, -1.0, 1e300, float("nan"), float("inf"), "", "rest", b"",
    b"\n", b"\0", b"\xff", b"a\nb\n", b"type=EOE msg=audit(1.000:1): \n", b"1.000:1", b"SYSCALL",
)  # fmt: skip


@dataclass
class Node:
    """Containers: of a map, keys and values in turn."""

    kind: str
    """`list`, `map`, `part` for packed bytes within others, or `snapshot` and what it is of."""
    items: list[Any]


def take_apart(value: Any) -> Any:
    """Unpacked values as a tree, also of what is packed within."""
    if isinstance(value, list):
        return Node("list", [take_apart(each) for each in value])
    if isinstance(value, dict):
        return Node("map", [take_apart(each) for pair in value.items() for each in pair])
    if isinstance(value, bytes):
        return _take_bytes_apart(value)
    return value


def _take_bytes_apart(value: bytes) -> Any:
    try:
        found = unpacked(value)
    except ValueError:
        return value
    match found:
        case [int(version), str(name), int(), bytes(content)] if version == VERSION:
            try:
                return Node(f"snapshot {name}", [take_apart(unpacked(content))])
            except ValueError:
                return value
        case [_, _, *_]:
            return Node("part", [take_apart(found)])
    return value


def unpacked(data: bytes) -> Any:
    """Raises ValueError if it is not one packed value."""
    try:
        return msgpack.unpackb(data, strict_map_key=False)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise ValueError("not packed") from error


def put_together(tree: Any) -> bytes:
    """Packs a tree, which may be deeper and odder than any unpacked one."""
    packer = msgpack.Packer()
    if not isinstance(tree, Node):
        return bytes(packer.pack(tree))
    parts = [put_together(each) for each in tree.items]
    if tree.kind == "list":
        return bytes(packer.pack_array_header(len(parts))) + b"".join(parts)
    if tree.kind == "map":
        count = len(parts) // 2
        return bytes(packer.pack_map_header(count)) + b"".join(parts[: 2 * count])
    content = b"".join(parts[:1])
    if tree.kind == "part":
        return bytes(packer.pack(content))
    name = tree.kind.partition(" ")[2]
    return bytes(packer.pack(packer.pack((VERSION, name, crc32(content), content))))


def change(tree: Node, chance: random.Random) -> Node:
    """Another tree that has much in common with this one."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        nodes = [node for node in _nodes(tree) if node.items]
        if nodes:
            _change(chance.choice(nodes), nodes, chance)
    return tree


def _nodes(tree: Any) -> Iterator[Node]:
    if isinstance(tree, Node):
        yield tree
        for each in tree.items:
            yield from _nodes(each)


def _change(node: Node, nodes: list[Node], chance: random.Random) -> None:
    place = chance.randrange(len(node.items))
    item = node.items[place]
    what = chance.randrange(10)
    if what < 3 and not isinstance(item, Node):
        node.items[place] = _near(item, chance)
    elif what < 5:
        node.items[place] = chance.choice(ODD)
    elif what == 5:
        node.items[place] = copy.deepcopy(chance.choice(chance.choice(nodes).items))
    elif what == 6:
        node.items.insert(place, copy.deepcopy(item))
    elif what == 7:
        del node.items[place]
    elif what == 8:
        other = chance.randrange(len(node.items))
        node.items[place], node.items[other] = node.items[other], node.items[place]
    else:
        del node.items[place:]


def _near(item: Any, chance: random.Random) -> Any:
    if isinstance(item, bool):
        return not item
    if isinstance(item, int):
        near = item + chance.choice((-1, 1, -(1 << 20), 1 << 20, 1000))
        return min(max(near, -(1 << 63)), (1 << 64) - 1)
    if isinstance(item, float):
        return item + chance.choice((-1.0, 1.0, 1e6, -1e6, 0.5))
    if isinstance(item, bytes):
        place = chance.randint(0, len(item))
        odd = bytes([chance.choice((*b'\n\0\x01\t 09a"\\', chance.randrange(256)))])
        return item[:place] + odd + item[place + chance.choice((0, 1, 1)) :]
    return chance.choice(ODD)

"""Converts a decoded socket address back to the bytes of its C structure."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from laurel_mp.records import sockaddr
from laurel_mp.records.sockaddr import Order
from laurel_mp.reversion.spellings import text_of


class _Part(NamedTuple):
    start: int
    end: int
    pack: Callable[[Any, int, Order], bytes]


def _address(family: int) -> Callable[[Any, int, Order], bytes]:
    return lambda value, _size, _order: socket.inet_pton(family, str(value))


def _number(value: Any, size: int, order: Order) -> bytes:
    return int(value).to_bytes(size, order, signed=int(value) < 0)


def _network(value: Any, size: int, _order: Order) -> bytes:
    return int(value).to_bytes(size, "big")


def _hexadecimal(value: Any, size: int, order: Order) -> bytes:
    return int(str(value), 16).to_bytes(size, order)


def _network_hexadecimal(value: Any, size: int, _order: Order) -> bytes:
    return int(str(value), 16).to_bytes(size, "big")


def _digits(value: Any, size: int, _order: Order) -> bytes:
    return bytes.fromhex(str(value)).ljust(size, b"\0")


def _text(value: Any, size: int, _order: Order) -> bytes:
    return text_of(str(value)).ljust(size, b"\0")


def _callsign(value: Any, _size: int, _order: Order) -> bytes:
    if value == "*":
        return bytes(7)
    call, _, station = text_of(str(value)).rpartition(b"-")
    return bytes(byte << 1 & 0xFF for byte in call.ljust(6)) + bytes([int(station) << 1])


class _Family(NamedTuple):
    number: int
    size: int
    """Bytes of the structure, as callers pass it."""
    parts: Mapping[str, _Part]


# The structures are those of records.sockaddr, which names their sources.
_FAMILIES: Final[Mapping[str, _Family]] = {
    "inet": _Family(
        sockaddr.AF_INET,
        16,
        {"addr": _Part(4, 8, _address(socket.AF_INET)), "port": _Part(2, 4, _network)},
    ),
    "inet6": _Family(
        sockaddr.AF_INET6,
        28,
        {
            "addr": _Part(8, 24, _address(socket.AF_INET6)),
            "port": _Part(2, 4, _network),
            "flowinfo": _Part(4, 8, _network),
            "scope_id": _Part(24, 28, _number),
        },
    ),
    "netlink": _Family(
        sockaddr.AF_NETLINK,
        12,
        {"pid": _Part(4, 8, _number), "groups": _Part(8, 12, _hexadecimal)},
    ),
    "vsock": _Family(
        sockaddr.AF_VSOCK, 16, {"cid": _Part(8, 12, _number), "port": _Part(4, 8, _number)}
    ),
    "x25": _Family(sockaddr.AF_X25, 18, {"addr": _Part(2, 18, _text)}),
    "ax25": _Family(sockaddr.AF_AX25, 16, {"call": _Part(2, 9, _callsign)}),
    "ipx": _Family(
        sockaddr.AF_IPX,
        16,
        {
            "network": _Part(4, 8, _network_hexadecimal),
            "node": _Part(8, 14, _digits),
            "port": _Part(2, 4, _network),
            "type": _Part(14, 15, _number),
        },
    ),
    "atmpvc": _Family(
        sockaddr.AF_ATMPVC,
        12,
        {
            "itf": _Part(4, 6, _number),
            "vpi": _Part(6, 8, _number),
            "vci": _Part(8, 12, _number),
        },
    ),
}


def encode(address: Mapping[str, Any], *, big_endian: bool) -> bytes | None:
    """Returns bytes that `records.sockaddr` decodes as `address`; None if there are none.

    Length and padding of the original are unknown.
    """
    order: Order = "big" if big_endian else "little"
    try:
        if address.get("saddr_fam") == "local":
            raw = _unix(text_of(address["path"]), order)
        else:
            raw = _structure(address, order)
    except (KeyError, ValueError, OverflowError, OSError, AttributeError, TypeError):
        return None
    found = sockaddr.decode(raw, big_endian=big_endian) if raw else None
    expected = {
        key: text_of(value) if isinstance(value, str) else value for key, value in address.items()
    }
    if found is None or expected != {
        key: value.encode("ascii") if isinstance(value, str) else value
        for key, value in found.items()
    }:
        return None
    return raw


def _unix(path: bytes, order: Order) -> bytes:
    family = sockaddr.AF_UNIX.to_bytes(2, order)
    if path.startswith(b"@"):
        return family + b"\0" + path[1:]
    return family + path + b"\0" if path else family


def _structure(address: Mapping[str, Any], order: Order) -> bytes:
    family = _FAMILIES[address["saddr_fam"]]
    held = {name: value for name, value in address.items() if name != "saddr_fam"}
    whole = held.keys() == family.parts.keys()
    size = family.size if whole else max(family.parts[name].end for name in held)
    raw = bytearray(size)
    raw[:2] = family.number.to_bytes(2, order)
    for name, value in held.items():
        start, end, pack = family.parts[name]
        raw[start:end] = pack(value, end - start, order)
    return bytes(raw)

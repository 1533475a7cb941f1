"""Decodes `saddr` fields: a C `struct sockaddr`, as the audited program passed it.

The kernel logs the bytes before any protocol has looked at them (net/socket.c,
move_addr_to_kernel), so family, length and content are the caller's, up to 128 bytes. Addresses are
often shorter than their C structure: each field is decoded if the given length includes all of it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

Order = Literal["little", "big"]
"""Byte order of the audited host, as `int.from_bytes` names it."""

SocketAddress = dict[str, str | int | bytes]
"""A decoded address in output order, `saddr_fam` first.

Values that the caller of the syscall chose freely (`path`, `addr` of x25, `call`) are bytes, and
must be encoded. `groups` and `network` are `"0x…"`, like every hexadecimal number of the output.
"""

# include/linux/socket.h
AF_UNIX: Final = 1
AF_INET: Final = 2
AF_AX25: Final = 3
AF_IPX: Final = 4
AF_ATMPVC: Final = 8
AF_X25: Final = 9
AF_INET6: Final = 10
AF_NETLINK: Final = 16
AF_VSOCK: Final = 40

SOCKADDR_UN_SIZE: Final = 110
"""`sizeof(struct sockaddr_un)`: the family and 108 bytes of `sun_path` (linux/un.h)."""

AUDIT_ARCH_LE: Final = 0x40000000
"""`__AUDIT_ARCH_LE` in include/uapi/linux/audit.h, set in `arch` of little-endian machines."""


def is_big_endian(arch_hex: bytes) -> bool:
    """True if the `arch` of a SYSCALL record, such as `c000003e`, is big-endian.

    An invalid `arch` counts as little-endian, as nearly all hosts are.
    """
    try:
        return not int(arch_hex, 16) & AUDIT_ARCH_LE
    except ValueError:
        return False


def decode(saddr: bytes, *, big_endian: bool) -> SocketAddress | None:
    """Decodes the bytes of a `struct sockaddr` from a host of the given byte order.

    Bytes that complete no field are left out. Returns None for an unknown family, and if no field
    is complete: then the raw value says more.
    """
    order: Order = "big" if big_endian else "little"
    if len(saddr) < 2:
        return None
    family = int.from_bytes(saddr[:2], order)
    if family == AF_UNIX:
        return {"saddr_fam": "local", "path": _unix_path(saddr)}
    if family not in _FAMILIES:
        return None
    name, fields = _FAMILIES[family]
    held: SocketAddress = {
        field.name: field.read(saddr[field.start : field.end], order)
        for field in fields
        if field.end <= len(saddr)
    }
    return {"saddr_fam": name, **held} if held else None


def _unix_path(saddr: bytes) -> bytes:
    """Returns the name of a unix socket (unix(7)): empty without one, `@NAME` if abstract.

    A path ends at its first NUL. In an abstract name the kernel counts every byte of the given
    length, so NULs are part of it, at its end too: `@name` with and without one are two sockets.
    But a caller who passed the whole structure most likely means the name before the padding.
    """
    path = saddr[2:]
    if path[:1] != b"\0":
        return path.partition(b"\0")[0]
    name = path[1:]
    return b"@" + (name.rstrip(b"\0") if len(saddr) >= SOCKADDR_UN_SIZE else name)


class _Field(NamedTuple):
    name: str
    start: int
    end: int
    read: Callable[[bytes, Order], str | int | bytes]


def _unsigned(raw: bytes, order: Order) -> int:
    return int.from_bytes(raw, order)


def _signed(raw: bytes, order: Order) -> int:
    return int.from_bytes(raw, order, signed=True)


def _network(raw: bytes, _order: Order) -> int:
    return int.from_bytes(raw, "big")


def _hexadecimal(raw: bytes, order: Order) -> str:
    return hex(int.from_bytes(raw, order))


def _network_hexadecimal(raw: bytes, _order: Order) -> str:
    return hex(int.from_bytes(raw, "big"))


def _ipv4(raw: bytes, _order: Order) -> str:
    return socket.inet_ntop(socket.AF_INET, raw)


def _ipv6(raw: bytes, _order: Order) -> str:
    return socket.inet_ntop(socket.AF_INET6, raw)


def _digits(raw: bytes, _order: Order) -> str:
    return raw.hex()


def _text(raw: bytes, _order: Order) -> bytes:
    return raw.partition(b"\0")[0]


def _callsign(raw: bytes, _order: Order) -> bytes:
    """`N0CALL-1` from ASCII shifted left by one, as net/ax25/ax25_addr.c (ax2asc) prints it."""
    call = bytes(byte >> 1 for byte in raw[:6]).strip(b" \0")
    return b"%s-%d" % (call, raw[6] >> 1 & 0xF) if call else b"*"


_FAMILIES: Final[Mapping[int, tuple[str, tuple[_Field, ...]]]] = {
    # struct sockaddr_in, include/uapi/linux/in.h
    AF_INET: ("inet", (_Field("addr", 4, 8, _ipv4), _Field("port", 2, 4, _network))),
    # struct sockaddr_in6, include/uapi/linux/in6.h; RFC 2133 has it without sin6_scope_id
    AF_INET6: (
        "inet6",
        (
            _Field("addr", 8, 24, _ipv6),
            _Field("port", 2, 4, _network),
            _Field("flowinfo", 4, 8, _network),
            _Field("scope_id", 24, 28, _unsigned),
        ),
    ),
    # struct sockaddr_nl, include/uapi/linux/netlink.h
    AF_NETLINK: (
        "netlink",
        (_Field("pid", 4, 8, _unsigned), _Field("groups", 8, 12, _hexadecimal)),
    ),
    # struct sockaddr_vm, include/uapi/linux/vm_sockets.h
    AF_VSOCK: ("vsock", (_Field("cid", 8, 12, _unsigned), _Field("port", 4, 8, _unsigned))),
    # struct sockaddr_x25, include/uapi/linux/x25.h: X.121 digits, NUL-terminated
    AF_X25: ("x25", (_Field("addr", 2, 18, _text),)),
    # struct sockaddr_ax25, include/uapi/linux/ax25.h
    AF_AX25: ("ax25", (_Field("call", 2, 9, _callsign),)),
    # struct sockaddr_ipx, include/uapi/linux/ipx.h
    AF_IPX: (
        "ipx",
        (
            _Field("network", 4, 8, _network_hexadecimal),
            _Field("node", 8, 14, _digits),
            _Field("port", 2, 4, _network),
            _Field("type", 14, 15, _unsigned),
        ),
    ),
    # struct sockaddr_atmpvc, include/uapi/linux/atm.h (aligned as everywhere but on sparc, ia64)
    AF_ATMPVC: (
        "atmpvc",
        (
            _Field("itf", 4, 6, _signed),
            _Field("vpi", 6, 8, _signed),
            _Field("vci", 8, 12, _signed),
        ),
    ),
}

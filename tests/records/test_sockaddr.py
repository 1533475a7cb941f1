"""Socket addresses, family by family, whole and cut short."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records import sockaddr
from laurel_mp.records.sockaddr import SocketAddress

INET = bytes.fromhex("020014e97f000001") + bytes(8)
INET6 = bytes.fromhex("0a0014e90000000720010db800000000000000000000000102000000")
NETLINK = struct.pack("<HHII", 16, 0, 77, 0x81)
VSOCK = struct.pack("<HHII4x", 40, 0, 1024, 3)
X25 = struct.pack("<H16s", 9, b"123456789")
AX25 = struct.pack("<H7sxi", 3, bytes(c << 1 for c in b"N0CAL ") + b"\x02", 0)
IPX = bytes.fromhex("040004510000abcd0102030405ff1100")
ATMPVC = struct.pack("<HxxhhI", 8, 1, -2, 300)

WHOLE: list[tuple[bytes, SocketAddress]] = [
    (INET, {"saddr_fam": "inet", "addr": "127.0.0.1", "port": 5353}),
    (
        INET6,
        {"saddr_fam": "inet6", "addr": "2001:db8::1", "port": 5353, "flowinfo": 7, "scope_id": 2},
    ),
    (NETLINK, {"saddr_fam": "netlink", "pid": 77, "groups": "0x81"}),
    (VSOCK, {"saddr_fam": "vsock", "cid": 3, "port": 1024}),
    (X25, {"saddr_fam": "x25", "addr": b"123456789"}),
    (AX25, {"saddr_fam": "ax25", "call": b"N0CAL-1"}),
    (
        IPX,
        {
            "saddr_fam": "ipx",
            "network": "0xabcd",
            "node": "0102030405ff",
            "port": 1105,
            "type": 17,
        },
    ),
    (ATMPVC, {"saddr_fam": "atmpvc", "itf": 1, "vpi": -2, "vci": 300}),
]

SHORT: list[tuple[bytes, SocketAddress | None]] = [
    (INET[:8], {"saddr_fam": "inet", "addr": "127.0.0.1", "port": 5353}),
    (INET[:7], {"saddr_fam": "inet", "port": 5353}),
    (INET[:4], {"saddr_fam": "inet", "port": 5353}),
    (INET[:3], None),
    (INET6[:24], {"saddr_fam": "inet6", "addr": "2001:db8::1", "port": 5353, "flowinfo": 7}),
    (INET6[:8], {"saddr_fam": "inet6", "port": 5353, "flowinfo": 7}),
    (INET6[:4], {"saddr_fam": "inet6", "port": 5353}),
    (NETLINK[:8], {"saddr_fam": "netlink", "pid": 77}),
    (VSOCK[:8], {"saddr_fam": "vsock", "port": 1024}),
    (AX25[:9], {"saddr_fam": "ax25", "call": b"N0CAL-1"}),
    (X25[:17], None),
    (INET[:2], None),
    (INET[:1], None),
    (b"", None),
]

LOCAL = [
    pytest.param(b"/dev/log".ljust(108, b"\0"), b"/dev/log", id="padded path"),
    pytest.param(b"/dev/log", b"/dev/log", id="path of the exact length"),
    pytest.param(b"/dev/log\0", b"/dev/log", id="path with its NUL counted"),
    pytest.param(b"/dev/log\0left over", b"/dev/log", id="path with stale bytes behind it"),
    pytest.param(b"a" * 108, b"a" * 108, id="path that fills the structure"),
    pytest.param(b"\xff}\n", b"\xff}\n", id="path of odd bytes"),
    pytest.param(b"", b"", id="unnamed"),
    pytest.param(b"\0name", b"@name", id="abstract"),
    pytest.param(b"\0a\0b", b"@a\0b", id="abstract with a NUL inside"),
    pytest.param(b"\0name\0", b"@name\0", id="abstract with a NUL counted at its end"),
    pytest.param(b"\0a\0b".ljust(108, b"\0"), b"@a\0b", id="abstract, padded"),
    pytest.param(b"\0", b"@", id="abstract, empty"),
]


@pytest.mark.parametrize(("saddr", "expected"), WHOLE, ids=lambda p: str(p)[:24])
def test_whole_structure(saddr: bytes, expected: SocketAddress) -> None:
    """Each family has its fields, in the order in which they are rendered."""
    decoded = sockaddr.decode(saddr, big_endian=False)

    assert decoded is not None
    assert list(expected.items()) == list(decoded.items())


@pytest.mark.parametrize(("saddr", "expected"), SHORT)
def test_short_structure(saddr: bytes, expected: SocketAddress | None) -> None:
    """A field is decoded if the given length holds it whole, and without any there is no result."""
    assert expected == sockaddr.decode(saddr, big_endian=False)


@pytest.mark.parametrize(("path", "expected"), LOCAL)
def test_local(path: bytes, expected: bytes) -> None:
    """A path ends at its NUL; an abstract name has an `@`, and its NULs but for padding."""
    assert {"saddr_fam": "local", "path": expected} == sockaddr.decode(
        b"\1\0" + path, big_endian=False
    )


@pytest.mark.parametrize(
    ("saddr", "expected"),
    [
        (b"\0\2" + INET[2:], {"saddr_fam": "inet", "addr": "127.0.0.1", "port": 5353}),
        (
            b"\0\x0a" + INET6[2:24] + b"\0\0\0\2",
            {
                "saddr_fam": "inet6",
                "addr": "2001:db8::1",
                "port": 5353,
                "flowinfo": 7,
                "scope_id": 2,
            },
        ),
        (b"\0\1/run/x", {"saddr_fam": "local", "path": b"/run/x"}),
        (
            struct.pack(">HHII", 16, 0, 77, 0x81),
            {"saddr_fam": "netlink", "pid": 77, "groups": "0x81"},
        ),
        (
            struct.pack(">HxxhhI", 8, 1, -2, 300),
            {"saddr_fam": "atmpvc", "itf": 1, "vpi": -2, "vci": 300},
        ),
        (INET, None),
    ],
)
def test_big_endian_host(saddr: bytes, expected: SocketAddress | None) -> None:
    """The family and the host's numbers follow the host; ports and flow labels never do."""
    assert expected == sockaddr.decode(saddr, big_endian=True)


@pytest.mark.parametrize("family", [0, 5, 17, 38, 0xFFFF])
def test_unknown_family(family: int) -> None:
    """A family that we have no layout for is left to the raw value."""
    assert sockaddr.decode(struct.pack("<H14x", family), big_endian=False) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("00" * 10 + "ffff01020304", "::ffff:1.2.3.4"), ("00" * 15 + "01", "::1"), ("00" * 16, "::")],
)
def test_inet6_text(raw: str, expected: str) -> None:
    """IPv6 addresses are in their short form, mapped IPv4 ones with dots."""
    decoded = sockaddr.decode(INET6[:8] + bytes.fromhex(raw), big_endian=False)

    assert decoded is not None
    assert expected == decoded["addr"]


def test_ax25_without_a_callsign() -> None:
    """The null address is the kernel's `*`."""
    expected = {"saddr_fam": "ax25", "call": b"*"}

    assert expected == sockaddr.decode(b"\3\0" + bytes(14), big_endian=False)


@pytest.mark.parametrize(
    ("arch", "expected"),
    [
        (b"c000003e", False),
        (b"40000003", False),
        (b"c0000015", False),
        (b"80000015", True),
        (b"80000016", True),
        (b"16", True),
        (b"", False),
        (b"?", False),
    ],
)
def test_byte_order_of_arch(arch: bytes, expected: bool) -> None:
    """The little-endian bit of `arch` decides; without a readable one we guess little."""
    assert expected == sockaddr.is_big_endian(arch)


FAMILIES = st.sampled_from([*range(12), 16, 17, 40]).map(lambda n: n.to_bytes(2, "little"))


@given(
    st.binary(max_size=140) | st.builds(bytes.__add__, FAMILIES, st.binary(max_size=130)),
    st.booleans(),
)
def test_any_bytes(saddr: bytes, big_endian: bool) -> None:
    """Nothing that a program can pass makes the decoder raise, or name a family without a field."""
    decoded = sockaddr.decode(saddr, big_endian=big_endian)

    assert decoded is None or (next(iter(decoded)) == "saddr_fam" and len(decoded) > 1)


@given(st.binary())
def test_any_arch(arch: bytes) -> None:
    """Nothing in place of an `arch` makes the reader raise."""
    assert sockaddr.is_big_endian(arch) in (True, False)

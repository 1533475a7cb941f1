"""Filters on internet addresses."""

import pytest

from laurel_mp.processes.sockets import SocketFilter


@pytest.mark.parametrize(
    ("pattern", "address", "port", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", 53, True),
        ("127.0.0.1", "127.0.0.2", 53, False),
        ("127.0.0.1:53", "127.0.0.1", 53, True),
        ("127.0.0.1:53", "127.0.0.1", 54, False),
        ("127.0.0.1:0", "127.0.0.1", 1, False),
        ("10.0.0.0/8", "10.255.0.1", 1, True),
        ("10.0.0.0/8", "11.0.0.1", 1, False),
        ("10.1.2.3/8", "10.255.0.1", 1, True),
        ("10.0.0.0/8:22", "10.255.0.1", 22, True),
        ("0.0.0.0/0", "::1", 1, False),
        ("*:111", "10.0.0.1", 111, True),
        ("*:111", "::1", 111, True),
        ("*:111", "::1", 112, False),
        ("*", "::1", 1, True),
        ("::1", "::1", 443, True),
        ("::1", "::2", 443, False),
        ("[::1]", "::1", 443, True),
        ("[::1]:443", "::1", 443, True),
        ("[::1]:443", "::1", 444, False),
        ("2a00::/16", "2a00:1::", 1, True),
        ("[2a00::]/16:22", "2a00:1::", 22, True),
        ("[2a00::]/16:22", "2a00:1::", 23, False),
        ("[2a00::/16]:22", "2a00:1::", 22, True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", 1, True),
        ("127.0.0.0/8", "::ffff:128.0.0.1", 1, False),
        ("::ffff:0:0/96", "::ffff:127.0.0.1", 1, True),
        ("fe80::/10", "fe80::1", 1, True),
    ],
)
def test_patterns(pattern: str, address: str, port: int, expected: bool) -> None:
    """Networks, ports or both; an IPv4 address that is written as one of IPv6 is the same."""
    assert expected == SocketFilter((pattern,)).matches(address, port)


def test_any_pattern_will_do() -> None:
    """One that does not match is no reason not to try the next."""
    assert SocketFilter(("10.0.0.1:1", "10.0.0.1:2")).matches("10.0.0.1", 2)


@pytest.mark.parametrize(("patterns", "expected"), [((), False), (("*",), True)])
def test_whether_there_are_any(patterns: tuple[str, ...], expected: bool) -> None:
    """Without patterns nothing is filtered."""
    found = SocketFilter(patterns)

    assert (expected, expected) == (bool(found), found.matches("::1", 1))

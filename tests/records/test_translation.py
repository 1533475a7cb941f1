"""Numbers and structures into names."""

import pytest

from laurel_mp.records.translation import socket_address, system_call, uring_operation


@pytest.mark.parametrize(
    ("arch", "number", "expected"),
    [
        (b"c000003e", b"59", {b"arch": b'"x86_64"', b"syscall": b'"execve"'}),
        (b"C000003E", b"59", {b"arch": b'"x86_64"', b"syscall": b'"execve"'}),
        (b"40000003", b"11", {b"arch": b'"i386"', b"syscall": b'"execve"'}),
        (b"c00000b7", b"221", {b"arch": b'"aarch64"', b"syscall": b'"execve"'}),
        (b"c0000015", b"11", {b"arch": b'"ppc64le"', b"syscall": b'"execve"'}),
        (b"80000015", b"11", {b"arch": b'"ppc64"', b"syscall": b'"execve"'}),
        (b"c0000102", b"221", {b"arch": b'"loongarch64"'}),
        (b"c000003e", b"1073742344", {b"arch": b'"x86_64"', b"syscall": b'"execve"'}),
        (b"c000003e", b"1073742371", {b"arch": b'"x86_64"', b"syscall": b'"pwritev2"'}),
        (b"c000003e", b"1073741824", {b"arch": b'"x86_64"', b"syscall": b'"read"'}),
        (b"c000003e", b"99999", {b"arch": b'"x86_64"'}),
        (b"c000003e", b"9" * 5000, {b"arch": b'"x86_64"'}),
        (b"c000003e", b"", {b"arch": b'"x86_64"'}),
        (b"c000003e", None, {b"arch": b'"x86_64"'}),
        (b"12345678", b"59", {}),
        (b"", b"59", {}),
    ],
)  # fmt: skip
def test_system_calls(arch: bytes, number: bytes | None, expected: dict[bytes, bytes]) -> None:
    """Named as far as we know, 64-bit PowerPC and x32 too; what has no name has no translation."""
    assert expected == system_call(arch, number)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(b"18", {b"uring_op": b'"openat"'}), (b"999", {}), (b"", {}), (b"x", {})],
)
def test_operations_of_io_uring(number: bytes, expected: dict[bytes, bytes]) -> None:
    """Named by their own table."""
    assert expected == uring_operation(number)


@pytest.mark.parametrize(
    ("address", "big_endian", "expected"),
    [
        ("020014E97F000001", False, b'{"saddr_fam":"inet","addr":"127.0.0.1","port":5353}'),
        ("000214E97F000001", True, b'{"saddr_fam":"inet","addr":"127.0.0.1","port":5353}'),
        ("01002F746D702F22FF", False, b'{"saddr_fam":"local","path":"/tmp/\\"%ff"}'),
        ("010000616263", False, b'{"saddr_fam":"local","path":"@abc"}'),
        ("0200", False, b'{"saddr_fam":"inet"}'),
        ("1100000000000000", False, b'{"saddr_fam":"packet"}'),
        ("2600000000000000", False, b'{"saddr_fam":"alg"}'),
    ],
)
def test_socket_addresses(address: str, big_endian: bool, expected: bytes) -> None:
    """An object whose strings are encoded like all others."""
    assert {b"saddr": expected} == socket_address(bytes.fromhex(address), big_endian=big_endian)


@pytest.mark.parametrize("address", [b"", b"\2", b"\xff\xff\0\0\0\0"])
def test_addresses_that_say_nothing(address: bytes) -> None:
    """They are left as they are."""
    expected: dict[bytes, bytes] = {}

    assert expected == socket_address(address, big_endian=False)

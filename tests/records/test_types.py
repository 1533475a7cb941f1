"""Record types tell the writer of a record."""

import pytest

from laurel_mp.records.types import canonical, is_kernel, number_of, written


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"SYSCALL", 1300),
        (b"LOGIN", 1006),
        (b"LANDLOCK_ACCESS", 1423),
        (b"UNKNOWN[1423]", 1423),
        (b"UNKNOWN_1423", 1423),
        (b"UNKNOWN[99999999999]", None),
        (b"UNKNOWN[]", None),
        (b"SOMETHING_NEW", None),
    ],
)
def test_numbers(name: bytes, expected: int | None) -> None:
    """A type is known by its name, or says its number itself."""
    assert expected == number_of(name)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"SYSCALL", b"SYSCALL"),
        (b"1300", b"SYSCALL"),
        (b"1320", b"EOE"),
        (b"1327", b"PROCTITLE"),
        (b"UNKNOWN[1327]", b"PROCTITLE"),
        (b"UNKNOWN[1333]", b"TIME_ADJNTPVAL"),
        (b"UNKNOWN[1336]", b"URINGOP"),
        (b"UNKNOWN[1420]", b"MAC_TASK_CONTEXTS"),
        (b"UNKNOWN[1423]", b"LANDLOCK_ACCESS"),
        (b"UNKNOWN[1112]", b"USER_LOGIN"),
        (b"UNKNOWN[1999]", b"UNKNOWN_1999"),
        (b"UNKNOWN_1999", b"UNKNOWN_1999"),
        (b"1999", b"UNKNOWN_1999"),
        (b"01327", b"PROCTITLE"),
        (b"0", b"UNKNOWN_0"),
        (b"99999999999999999999", b"UNKNOWN_99999999999999999999"),
        (b"UNKNOWN[99999999999999999999]", b"UNKNOWN_99999999999999999999"),
        (b"UNKNOWN[]", b"UNKNOWN[]"),
        (b"SOMETHING_NEW", b"SOMETHING_NEW"),
        (b"-1", b"-1"),
    ],
)
def test_canonical_names(written: bytes, name: bytes) -> None:
    """A number that the table knows becomes its name; another one stands behind `UNKNOWN_`."""
    assert name == canonical(written)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"UNKNOWN_1999", b"UNKNOWN[1999]"),
        (b"UNKNOWN[1999]", b"UNKNOWN[1999]"),
        (b"SYSCALL", b"SYSCALL"),
        (b"UNKNOWN_X", b"UNKNOWN_X"),
    ],
)
def test_written_names(name: bytes, expected: bytes) -> None:
    """Reverted records have the type that auditd writes."""
    assert expected == written(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"SYSCALL", True),
        (b"LOGIN", True),
        (b"AVC", True),
        (b"ANOM_ABEND", True),
        (b"UNKNOWN[1299]", False),
        (b"UNKNOWN[1300]", True),
        (b"UNKNOWN[2099]", True),
        (b"UNKNOWN[2100]", False),
        (b"USER", False),
        (b"USER_TTY", False),
        (b"DAEMON_START", False),
        (b"UNKNOWN[1199]", False),
    ],
)
def test_the_kernels_types(name: bytes, expected: bool) -> None:
    """1300 to 2099 and LOGIN come from the kernel, whatever the body looks like."""
    assert expected == is_kernel(name, b"pid=1")
    assert expected == is_kernel(name, b"pid=1 msg='op=x'")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"pid=1 x=y", True),
        (b"", True),
        (b"pid=1 msg='op=x'", False),
        (b"msg='op=x'", False),
        (b"xmsg='op=x'", True),
    ],
)
def test_types_without_a_number(body: bytes, expected: bool) -> None:
    """They are judged by their body: only records from user space have a message."""
    assert expected == is_kernel(b"SOMETHING_NEW", body)

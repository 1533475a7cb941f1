"""Filters on processes and on who sends records."""

import pytest

from laurel_mp.processes.filters import ProcessFilters, UserRecordFilter
from laurel_mp.processes.labels import NONE
from laurel_mp.processes.patterns import PatternSet

K = frozenset((b"k",))


@pytest.mark.parametrize(
    ("filters", "keys", "labels", "expected"),
    [
        (ProcessFilters(keys=K), (b"k",), NONE, True),
        (ProcessFilters(keys=K), (b"j", b"k"), NONE, True),
        (ProcessFilters(keys=K), (b"j",), K, False),
        (ProcessFilters(keys=K), (), NONE, False),
        (ProcessFilters(null_keys=True), (), NONE, True),
        (ProcessFilters(null_keys=True), (b"k",), NONE, False),
        (ProcessFilters(labels=K), (), K, True),
        (ProcessFilters(labels=K), (b"j",), K, True),
        (ProcessFilters(labels=K), (b"k",), NONE, False),
        (ProcessFilters(), (), NONE, False),
    ],
)
def test_by_rule(
    filters: ProcessFilters, keys: tuple[bytes, ...], labels: frozenset[bytes], expected: bool
) -> None:
    """Each of an event's keys counts, and each label of its process."""
    assert expected == filters.by_rule(keys, labels)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (ProcessFilters(users=frozenset((b"7",))), True),
        (ProcessFilters(users=frozenset((b"77",))), False),
        (ProcessFilters(services=frozenset((b"b.service",))), True),
        (ProcessFilters(services=frozenset((b"service",))), False),
        (ProcessFilters(exe=PatternSet(["^/bin/"])), True),
        (ProcessFilters(exe=PatternSet(["^/sbin/"])), False),
        (ProcessFilters(), False),
    ],
)
def test_by_process(filters: ProcessFilters, expected: bool) -> None:
    """User and services by name, programs by expression."""
    assert expected == filters.by_process(b"/bin/x", b"7", (b"a.service", b"b.service"))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (ProcessFilters(), False),
        (ProcessFilters(keep_first=False), False),
        (ProcessFilters(keys=K), True),
        (ProcessFilters(null_keys=True), True),
        (ProcessFilters(labels=K), True),
        (ProcessFilters(exe=PatternSet(["x"])), True),
        (ProcessFilters(users=K), True),
        (ProcessFilters(services=K), True),
    ],
)
def test_whether_there_are_any(filters: ProcessFilters, expected: bool) -> None:
    """Without patterns, no record is parsed."""
    assert expected == bool(filters)


RECORD = b"pid=1 uid=7 auid=8 ses=1 msg='op=x exe=\"/sbin/x\" hostname=?'"


@pytest.mark.parametrize(
    ("exe", "users", "body", "expected"),
    [
        ([], (b"7",), RECORD, True),
        ([], (b"8",), RECORD, False),
        ([], (b"9",), RECORD.replace(b"op=x", b"op=x uid=9"), False),
        ([], (b"9",), RECORD.replace(b"auid=8", b"uid=9"), False),
        (["^/sbin/x$"], (), RECORD, True),
        (["^/sbin/y$"], (), RECORD, False),
        (["^/sbin/x$"], (b"9",), RECORD, True),
        (["^/s x$"], (), RECORD.replace(b'"/sbin/x"', b"2F732078"), True),
        (["^/sbin/x$"], (), b'pid=1 uid=7 exe="/sbin/x"', True),
        ([""], (), b"pid=1 uid=7 msg='op=x'", False),
        ([""], (b"7",), b"", False),
    ],
)
def test_user_records(
    exe: list[str], users: tuple[bytes, ...], body: bytes, expected: bool
) -> None:
    """The sender's user is what the kernel says first; the program is what the sender says."""
    assert expected == UserRecordFilter(PatternSet(exe), frozenset(users)).matches(body)

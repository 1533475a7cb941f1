"""Filters on processes and on who sends records."""

import pytest

from laurel_mp.processes.filters import (
    ProcessFilters,
    TextFilter,
    UserRecordFilter,
    any_of,
    is_empty,
)
from laurel_mp.processes.labels import NONE
from laurel_mp.processes.patterns import PatternSet

K = frozenset((b"k",))


def matching(patterns: list[str]) -> TextFilter:
    """A filter by expressions."""
    return lambda text: bool(PatternSet(patterns).matches(text))


@pytest.mark.parametrize(
    ("filters", "keys", "labels", "expected"),
    [
        (ProcessFilters(keys=any_of(K)), (b"k",), NONE, True),
        (ProcessFilters(keys=any_of(K)), (b"j", b"k"), NONE, True),
        (ProcessFilters(keys=any_of(K)), (b"j",), K, False),
        (ProcessFilters(keys=any_of(K)), (), NONE, False),
        (ProcessFilters(keys=is_empty), (), NONE, True),
        (ProcessFilters(keys=is_empty), (b"k",), NONE, False),
        (ProcessFilters(labels=any_of(K)), (), K, True),
        (ProcessFilters(labels=any_of(K)), (b"j",), K, True),
        (ProcessFilters(labels=any_of(K)), (b"k",), NONE, False),
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
        (ProcessFilters(users=frozenset((b"7",)).__contains__), True),
        (ProcessFilters(users=frozenset((b"77",)).__contains__), False),
        (ProcessFilters(services=any_of(frozenset((b"b.service",)))), True),
        (ProcessFilters(services=any_of(frozenset((b"service",)))), False),
        (ProcessFilters(programs=matching(["^/bin/"])), True),
        (ProcessFilters(programs=matching(["^/sbin/"])), False),
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
        (ProcessFilters(keys=any_of(K)), True),
        (ProcessFilters(keys=is_empty), True),
        (ProcessFilters(labels=any_of(K)), True),
        (ProcessFilters(programs=matching(["x"])), True),
        (ProcessFilters(users=K.__contains__), True),
        (ProcessFilters(services=any_of(K)), True),
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
    found = UserRecordFilter(matching(exe) if exe else None, frozenset(users).__contains__)
    assert expected == found.matches(body)

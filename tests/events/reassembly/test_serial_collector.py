"""Serials are parsed from the ids of many events at once."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurel_mp.events.reassembly.serial_collector import (
    LARGEST,
    Interval,
    Seen,
    SerialCollector,
    ranges_of,
)


def seen_of(*ids: bytes, node: bytes | None = None) -> Seen:
    """Note ids and take what was seen."""
    serials = SerialCollector()
    for id_ in ids:
        serials.of(node).append(id_)
    ((_, _, _, (seen,)),) = serials.take()
    return seen


def expand(ranges: "array[int]") -> list[int]:
    """All numbers in some ranges."""
    pairs = zip(ranges[::2], ranges[1::2], strict=True)
    return [number for first, last in pairs for number in range(first, last + 1)]


def test_a_run() -> None:
    """Ids without a gap are one range, in any order; the times are of its first and last."""
    expected = Seen(None, array("Q", [7, 9]), 100.25, 99.5, False)

    assert expected == seen_of(b"100.000:8", b"99.500:9", b"100.250:7", b"100.000:8")
    assert expected == seen_of(b"100.000:8", b"99.500:9", b"100.250:7")


def test_gaps() -> None:
    """Missing serials divide ranges."""
    assert array("Q", [1, 2, 4, 4, 10, 12]) == ranges_of([1, 2, 4, 10, 11, 12])


@given(st.sets(st.integers(0, 300) | st.integers(0, LARGEST)))
def test_ranges_hold_just_these(serials: set[int]) -> None:
    """Ranges hold all serials and no other, and between two of them one is missing."""
    ranges = ranges_of(sorted(serials))

    assert sorted(serials) == expand(ranges) or len(serials) > 10_000
    for last, first in zip(ranges[1::2], ranges[2::2], strict=False):
        assert last + 1 < first


def test_leading_zeros() -> None:
    """Ids that are no numbers of JSON are read all the same."""
    assert Seen(None, array("Q", [7, 8]), 5.0, 6.001, False) == seen_of(b"005.000:07", b"6.001:8")


@given(st.lists(st.tuples(st.integers(0, 10**12 - 1), st.integers(0, LARGEST)), min_size=1))
@settings(max_examples=50)
def test_many(events: list[tuple[int, int]]) -> None:
    """Of many ids, of any length, the serials are found as of few."""
    ids = [b"%d.%03d:%d" % (second, second % 1000, serial) for second, serial in events]
    expected = seen_of(*ids)

    assert expected == seen_of(*ids * 40)
    serials = expand(expected.ranges) if len(expected.ranges) == 2 * len(events) else []
    assert serials in ([], sorted({serial for _, serial in events}))


@pytest.mark.parametrize("digits", [b"%d", b"%06d"])
def test_many_of_one_length(digits: bytes) -> None:
    """Of many ids of one length too, be there zeros in front or not."""
    ids = [b"1.000:" + digits % serial for serial in range(1000, 2000) if serial != 1234]

    assert array("Q", [1000, 1233, 1235, 1999]) == seen_of(*ids).ranges


def test_lengths_that_look_alike() -> None:
    """Ids whose lengths differ are no columns, also if together they are as long as others."""
    ids = [b"1.000:20", b"1.000:2", b"1.000:200"] * 20

    assert array("Q", [2, 2, 20, 20, 200, 200]) == seen_of(*ids).ranges
    ids = [b"1.000:20", b"11.000:3"] * 20
    assert array("Q", [3, 3, 20, 20]) == seen_of(*ids).ranges


def test_what_is_no_serial() -> None:
    """Numbers of more than 32 bits were not given by a kernel."""
    assert (
        array("Q", [7, 7])
        == seen_of(b"1.000:7", b"1.000:4294967296", b"1.000:%b" % (b"9" * 20)).ranges
    )

    serials = SerialCollector()
    serials.of(None).append(b"1.000:99999999999999999999")
    assert serials.take() == []


def test_marks_divide() -> None:
    """Serials in front of a mark and behind it are in different intervals, for each node."""
    serials = SerialCollector()
    serials.of(None).append(b"1.000:1")
    serials.of(b"a").append(b"2.000:1")
    serials.mark(50, 1.5)
    serials.of(None).append(b"3.000:2")
    serials.restarted(b"b")
    one = array("Q", [1, 1])
    first = [Seen(None, one, 1.0, 1.0, False), Seen(b"a", one, 2.0, 2.0, False)]
    second = [
        Seen(None, array("Q", [2, 2]), 3.0, 3.0, False),
        Seen(b"b", array("Q"), 0.0, 0.0, True),
    ]

    expected = [Interval(50, 1.5, False, first), Interval(-1, 0.0, False, second)]
    assert expected == serials.take()
    assert serials.take() == []


def test_not_wanted() -> None:
    """Without a consumer nothing is kept."""
    serials = SerialCollector(wanted=False)
    serials.of(None).append(b"1.000:1")
    serials.mark(50, 1.5)

    assert serials.take() == []

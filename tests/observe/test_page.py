"""The status as text, and numbers as people read them."""

import pytest

from laurel_mp.observe import amounts
from laurel_mp.observe.measures import Group, Measure, counter, gauge, text
from laurel_mp.observe.page import page
from laurel_mp.observe.register import Snapshot

PLAIN = Group("plain", "One row.", (counter("lines", "Lines."), gauge("room", "Room.", "bytes")))
FLAT = Group("flat", "Few measures.", (gauge("entries", "Entries."),), labels=("process", "table"))
TALL = Group(
    "tall",
    "Many measures.",
    (
        counter("one", "One."),
        counter("two", "Two."),
        counter("two", "Two.", "bytes"),
        counter("three", "Three."),
        text("why", "Why."),
    ),
    labels=("node",),
)
GROUPS = (PLAIN, FLAT, TALL)


def test_page() -> None:
    """Groups one below the other; what has no rows, or no values, is left out."""
    snapshot: Snapshot = {
        "plain": [{"lines": 12345, "room_bytes": 2048}],
        "flat": [
            {"process": "a", "table": "names", "entries": 7},
            {"process": "writer", "table": "x"},
        ],
        "tall": [{"node": "n", "one": 1, "two": 2, "two_bytes": 3}, {"node": "m", "one": 100}],
    }

    assert (
        "\n".join(page(snapshot, 80, GROUPS))
        == """\
PLAIN: One row.
  lines  12,345
  room   2.0 KiB

FLAT: Few measures.
  process  table  entries
  a        names        7
  writer   x

TALL: Many measures.
  node         n    m
  one          1  100
  two          2
  two bytes  3 B"""
    )
    assert not list(page({}, 80, GROUPS))


def test_many_columns() -> None:
    """Rows that do not fit beside each other go below."""
    snapshot: Snapshot = {
        "tall": [{"node": f"node-{number}", "one": number} for number in range(9)]
    }
    lines = list(page(snapshot, 29, GROUPS))

    assert max(map(len, lines)) <= 29
    assert [line.split() for line in lines if "node-" in line] == [
        ["node", f"node-{number}", f"node-{number + 1}"] for number in (0, 2, 4, 6)
    ] + [["node", "node-8"]]


def test_narrow() -> None:
    """Also where nothing fits, all is there."""
    snapshot: Snapshot = {"tall": [{"node": "a" * 50, "one": 1}, {"node": "b", "one": 2}]}

    assert sum("one" in line for line in page(snapshot, 10, GROUPS)) == 2


@pytest.mark.parametrize(
    ("measure", "value", "expected"),
    [
        (counter("a", "A."), 1234567, "1,234,567"),
        (gauge("a", "A.", "bytes"), 0, "0 B"),
        (gauge("a", "A.", "bytes"), 999, "999 B"),
        (gauge("a", "A.", "bytes"), 1000, "1.0 KiB"),
        (gauge("a", "A.", "bytes"), 16 << 20, "16.0 MiB"),
        (gauge("a", "A.", "bytes"), 500 << 30, "500 GiB"),
        (gauge("a", "A.", "bytes"), 1 << 75, "32,768 EiB"),
        (counter("a", "A.", "seconds"), 1.234, "1.23 s"),
        (text("a", "A."), "x", "x"),
    ],
)
def test_shown(measure: Measure, value: float | str, expected: str) -> None:
    """A value has its unit, and not more figures than anyone wants."""
    assert amounts.shown(measure, value) == expected


def test_start_time() -> None:
    """A point in time is a date."""
    assert amounts.shown(gauge("start_time", "S.", "seconds"), 1e9).startswith("2001-09-0")


def test_durations_and_rates() -> None:
    """Hours, minutes, seconds; rates with a figure more when they are small."""
    assert amounts.duration(59.9) == "0:00:59"
    assert amounts.duration(90061) == "1 d 1:01:01"
    assert [amounts.rate(value) for value in (0, 0.25, 9.99, 1234.5)] == [
        "0",
        "0.2",
        "10.0",
        "1,234",
    ]


@pytest.mark.parametrize(
    ("value", "width", "expected"),
    [
        ("abc", 2, "ab"),
        ("äöü", 2, "äö"),
        ("日本", 3, "日"),
        ("e\u0301x", 1, "e\u0301"),
        ("ä", 9, "ä"),
    ],
)
def test_fit(value: str, width: int, expected: str) -> None:
    """As much as there are columns for it."""
    assert amounts.fit(value, width) == expected

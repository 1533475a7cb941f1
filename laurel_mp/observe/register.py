"""Collects the rows of all groups from their sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from laurel_mp.observe.groups import GROUPS
from laurel_mp.observe.measures import Group, Row, Value
from laurel_mp.observe.text import printable

MAX_TEXT = 200
"""Maximum of characters of a text or a label: node names come from the stream."""

Source = Callable[[], Iterable[Row]]
"""Returns the current rows of a group. The main thread of ingest calls it about once a second at
most; it must not block, and should take less than 100 us."""

Snapshot = Mapping[str, Sequence[Row]]
"""The rows of all groups by the group's name, in the order of `GROUPS`."""


class Register:
    """Holds the sources of all groups, and takes snapshots."""

    def __init__(self, groups: Sequence[Group] = GROUPS) -> None:
        self._groups = groups
        self._sources: list[tuple[Group, Source]] = []

    def contribute(self, group: Group, source: Source) -> None:
        """Adds a source of rows of a declared group."""
        assert group in self._groups, group.name
        self._sources.append((group, source))

    def snapshot(self) -> Snapshot:
        """Returns all current rows. An undeclared measure raises AssertionError: it is a bug."""
        found: dict[str, list[Row]] = {group.name: [] for group in self._groups}
        for group, source in self._sources:
            found[group.name] += (_checked(group, row) for row in source())
        return found


def _checked(group: Group, row: Row) -> Row:
    """Returns a row with its members in the order of declaration, and printable texts."""
    found: dict[str, Value] = {}
    for key in (*group.labels, *(measure.key for measure in group.measures)):
        if key in row:
            value = row[key]
            found[key] = printable(value, MAX_TEXT) if isinstance(value, str) else value
    unknown = row.keys() - found.keys()
    assert not unknown, f"{group.name}: not declared: {sorted(unknown)}"
    return found


def remarkable(
    now: Snapshot, before: Snapshot | None = None, groups: Sequence[Group] = GROUPS
) -> dict[str, int | float]:
    """Returns the growth of measures for status reports since `before`, by title.

    Growth is summed over all rows; measures that have not grown are left out.
    """
    found: dict[str, int | float] = {}
    for group in groups:
        for measure in group.measures:
            if measure.in_report:
                grown = total(now, group, measure.key)
                if before is not None:
                    grown -= total(before, group, measure.key)
                if grown > 0:
                    found[measure.title] = grown
    return found


def total(snapshot: Snapshot, group: Group, key: str) -> int | float:
    """Returns the sum of a measure over all rows that have it."""
    values = (row.get(key, 0) for row in snapshot.get(group.name, ()))
    return sum(value for value in values if not isinstance(value, str))

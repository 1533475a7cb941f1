"""Where all that the daemon tells about itself comes together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from laurel_mp.observe.groups import GROUPS
from laurel_mp.observe.measures import Group, Row, Value
from laurel_mp.observe.text import printable

MAX_TEXT = 200
"""Characters of a text or a label: names of hosts come from the stream."""

Source = Callable[[], Iterable[Row]]
"""Gives the rows of a group as they are now. It is called by the main thread of ingest about once
a second at most, must not wait for anything, and should not take longer than some 100 us."""

Snapshot = Mapping[str, Sequence[Row]]
"""The rows of all groups by the group's name, in the order of `GROUPS`."""


class Register:
    """Has the sources of all groups, and asks them."""

    def __init__(self, groups: Sequence[Group] = GROUPS) -> None:
        self._groups = groups
        self._sources: list[tuple[Group, Source]] = []

    def contribute(self, group: Group, source: Source) -> None:
        """Has `source` asked for rows of a group, which must be one of the declared ones."""
        assert group in self._groups, group.name
        self._sources.append((group, source))

    def snapshot(self) -> Snapshot:
        """All rows as they are now. What was not declared raises: a fault of the program."""
        found: dict[str, list[Row]] = {group.name: [] for group in self._groups}
        for group, source in self._sources:
            found[group.name] += (_checked(group, row) for row in source())
        return found


def _checked(group: Group, row: Row) -> Row:
    """The same with its members in the order of the declaration, and texts fit to be shown."""
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
    """What a status report says besides the ledger: how much it has grown since `before`.

    By what people call it, summed over all rows; without what has not grown.
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
    """The sum of a measure over all rows that have it."""
    values = (row.get(key, 0) for row in snapshot.get(group.name, ()))
    return sum(value for value in values if not isinstance(value, str))

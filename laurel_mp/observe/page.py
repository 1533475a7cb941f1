"""The status as text, group by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from laurel_mp.observe.amounts import shown
from laurel_mp.observe.groups import GROUPS
from laurel_mp.observe.measures import Group, Row
from laurel_mp.observe.register import Snapshot

_GAP = "  "


def page(snapshot: Snapshot, width: int, groups: Sequence[Group] = GROUPS) -> Iterator[str]:
    """Yields the lines, no wider than `width` if possible."""
    first = True
    for group in groups:
        rows = snapshot.get(group.name, ())
        if not rows:
            continue
        if not first:
            yield ""
        first = False
        yield from wrap(f"{group.name.upper()}: {group.doc}", max(width, 20))
        if not group.labels:
            yield from _list(group, rows[0])
        elif len(group.measures) > len(group.labels) + 2:
            yield from _upright(group, rows, width)
        else:
            yield from _lines(_flat(group, rows), len(group.labels))


def _list(group: Group, row: Row) -> Iterator[str]:
    """Yields a line for each measure."""
    found = [(each.title, shown(each, row[each.key])) for each in group.measures if each.key in row]
    widest = max((len(title) for title, _ in found), default=0)
    for title, value in found:
        yield f"  {title:{widest}}{_GAP}{value}"


def _flat(group: Group, rows: Sequence[Row]) -> list[list[str]]:
    """Returns a table with a line for each row, and a column for each measure."""
    table = [[*group.labels, *(each.title for each in group.measures)]]
    for row in rows:
        labels = [str(row.get(label, "")) for label in group.labels]
        values = [shown(each, row[each.key]) if each.key in row else "" for each in group.measures]
        table.append(labels + values)
    return table


def _upright(group: Group, rows: Sequence[Row], width: int) -> Iterator[str]:
    """Yields blocks with a line for each measure, and as many rows as columns as fit `width`."""
    columns = list(zip(*_titled(group, rows), strict=True))
    titles, values = columns[0], columns[1:]
    first = max(map(len, titles))
    while values:
        count, used = 0, 2 + first
        for column in values:
            used += len(_GAP) + max(map(len, column))
            if count and used > width:
                break
            count += 1
        block = [list(line) for line in zip(titles, *values[:count], strict=True)]
        yield from _lines([line for line in block if any(line[1:])], 1)
        values = values[count:]
        if values:
            yield ""


def _titled(group: Group, rows: Sequence[Row]) -> Iterator[list[str]]:
    for label in group.labels:
        yield [label, *(str(row.get(label, "")) for row in rows)]
    for each in group.measures:
        if any(each.key in row for row in rows):
            title = f"{each.title} {each.unit}" if _is_twofold(group, each.title) else each.title
            yield [title, *(shown(each, row[each.key]) if each.key in row else "" for row in rows)]


def _is_twofold(group: Group, title: str) -> bool:
    """Returns True if two measures have this title, and differ by their unit."""
    return sum(each.title == title for each in group.measures) > 1


def _lines(table: list[list[str]], names: int) -> Iterator[str]:
    """Yields the lines of a table; the first `names` columns are aligned left, the others right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = [
            f"{cell:{size}}" if place < names else f"{cell:>{size}}"
            for place, (cell, size) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  " + _GAP.join(cells).rstrip()

"""Counts of what the audit lines lack of the input, or do not restore exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields


@dataclass(slots=True)
class Losses:
    """Counts by reason."""

    notes: int = 0
    """Reports of laurel-mp, which are no audit events."""
    values: int = 0
    """Raw values that the input has as translations only."""
    arguments: int = 0
    """Argument lists that were cut, or joined to one text."""
    cut: int = 0
    """Events that were cut at a limit."""
    inexact: int = 0
    """Records whose lines do not render as the JSON."""
    context: int = 0
    """Events with labels, containers, hashes and other members that no audit record has."""
    translations: int = 0
    """Translations left out by option."""

    def all(self) -> tuple[int, ...]:
        """Returns all counts, for comparison."""
        return astuple(self)

    def texts(self) -> Iterator[str]:
        """Yields a line for each count that is not 0."""
        for field in fields(self):
            count: int = getattr(self, field.name)
            if count:
                yield f"{count} {_TEXTS[field.name]}"


_TEXTS = {
    "notes": "lines of laurel-mp about itself left out",
    "values": "raw values missing, of which there are translations only (drop-raw)",
    "arguments": "argument lists incomplete, or split by guess",
    "cut": "events had been cut at a limit",
    "inexact": "records not exactly as they were",
    "context": "events had context that no audit record holds (labels, containers, hashes, ...)",
    "translations": "translations left out (--raw)",
}

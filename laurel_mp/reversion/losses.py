"""What of the input does not come back, or not exactly: counted, and said at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields


@dataclass(slots=True)
class Losses:
    """What was not given back, by reason."""

    notes: int = 0
    """Lines of laurel-mp about itself: they were no audit events."""
    values: int = 0
    """Raw values that had been left out where a translation was made."""
    arguments: int = 0
    """Argument lists of which something had been cut out, or that were joined to one text."""
    cut: int = 0
    """Events that had met a limit: what was beyond it comes from nowhere."""
    inexact: int = 0
    """Records whose lines do not say exactly what the JSON says."""
    context: int = 0
    """Events with labels, containers, hashes and the like: audit records have no place for them."""
    translations: int = 0
    """Translations that were left out on demand."""

    def all(self) -> tuple[int, ...]:
        """All counts, to be compared with others."""
        return astuple(self)

    def texts(self) -> Iterator[str]:
        """One line for each reason there was."""
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

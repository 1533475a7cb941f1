"""Counts of `convert`: as one line, as a table, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(slots=True)
class InputSummary:
    """One input."""

    name: str
    form: str | None
    """None if nothing was recognised, or if it could not be read at all."""
    first: float | None
    last: float | None


@dataclass(slots=True)
class Summary:
    """Counts of one conversion, or of several."""

    lines: int = 0
    events: int = 0
    filtered: int = 0
    """Events that a filter or `--since` and `--until` took out."""
    malformed: int = 0
    duplicates: int = 0
    blank: int = 0
    other: int = 0
    """Lines of other programs."""
    incomplete: int = 0
    """Events."""
    missing: int = 0
    """Serials."""
    complete: bool = True
    """True if all inputs were read to their ends."""
    inputs: list[InputSummary] = field(default_factory=list)
    record_types: Counter[str] = field(default_factory=Counter)

    def add(self, another: Summary) -> None:
        """Adds the counts of another conversion."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(another, name))
        self.complete &= another.complete
        self.inputs += another.inputs
        self.record_types.update(another.record_types)

    def line(self, seconds: float, *, has_filters: bool) -> str:
        """Returns the last line on standard error."""
        rate = self.lines / seconds if seconds > 0 else 0.0
        parts = [f"{self.lines} lines, {self.events} events"]
        if has_filters or self.filtered:
            parts.append(f"{self.filtered} filtered")
        parts += [f"{self.malformed} malformed", f"{self.duplicates} duplicates"]
        if self.other:
            parts.append(f"{self.other} of other programs")
        if self.missing:
            # Lost, or left out on purpose, as by grep: a file does not tell.
            parts.append(f"{self.missing} serials missing")
        return ", ".join([*parts, f"{rate:.0f} lines/s"])

    def table(self) -> str:
        """Returns times and numbers of records by type, most frequent first."""
        first, last = self._span()
        rows = [f"{number:>9} {name}" for name, number in self._types()]
        head = [f"first record {_iso(first)}", f"last record  {_iso(last)}"] if rows else []
        return "".join(f"{row}\n" for row in [*head, *rows])

    def to_plain(self) -> dict[str, Any]:
        """Returns lists, strings and numbers, for JSON."""
        first, last = self._span()
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {
            **counts,
            "complete": self.complete,
            "first": _iso(first),
            "last": _iso(last),
            "record_types": dict(self._types()),
            "inputs": [
                {
                    "name": each.name,
                    "form": each.form,
                    "first": _iso(each.first),
                    "last": _iso(each.last),
                }
                for each in self.inputs
            ],
        }

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> Summary:
        """Reverses `to_plain`."""
        summary = cls(**{name: plain[name] for name in _COUNTS}, complete=plain["complete"])
        summary.record_types = Counter(plain["record_types"])
        for each in plain["inputs"]:
            times = _seconds(each["first"]), _seconds(each["last"])
            summary.inputs.append(InputSummary(each["name"], each["form"], *times))
        return summary

    def to_json(self) -> str:
        """Returns one JSON object, indented."""
        return json.dumps(self.to_plain(), indent=2) + "\n"

    def _types(self) -> list[tuple[str, int]]:
        return sorted(self.record_types.items(), key=lambda item: (-item[1], item[0]))

    def _span(self) -> tuple[float | None, float | None]:
        firsts = [each.first for each in self.inputs if each.first is not None]
        lasts = [each.last for each in self.inputs if each.last is not None]
        return min(firsts, default=None), max(lasts, default=None)


_COUNTS = (
    "lines",
    "events",
    "filtered",
    "malformed",
    "duplicates",
    "blank",
    "other",
    "incomplete",
    "missing",
)


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None  # beyond the year 9999


def _seconds(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()

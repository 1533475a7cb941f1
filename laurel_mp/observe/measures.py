"""What can be counted or measured, declared once: status, metrics and documentation follow.

A *measure* is one number, or a short text. A *group* has measures that belong together, and one
or many rows of them: rows are told apart by labels, as the process or the node. A part of the
program that has something to tell declares a group in `laurel_mp.observe.groups`, and contributes
its rows to a `laurel_mp.observe.register.Register`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

PREFIX = "laurel_mp_"
"""Of the names of all metrics."""

Value = int | float | str

Row = Mapping[str, Value]
"""Labels and measures of one thing, by name. A measure that makes no sense for it is left out."""


class Kind(Enum):
    """How a value behaves."""

    COUNTER = "counter"
    """Only grows, from the start of the daemon on."""
    GAUGE = "gauge"
    """Goes up and down."""
    TEXT = "text"
    """A few words for people; metrics have it only as a label of a metric of its own."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number or text; by `counter`, `gauge` or `text`."""

    name: str
    """Without unit, in lower case, as it is called in JSON."""
    kind: Kind
    doc: str
    """A sentence for the administrator."""
    unit: str = ""
    """A base unit, `bytes` or `seconds`, and part of the key then; empty for things counted."""
    in_report: bool = False
    """Whether a status report in the log says it, if it is not 0."""
    metric: str = ""
    """The name of a text as a metric, without the prefix; empty for none."""

    @property
    def key(self) -> str:
        """What it is called in JSON."""
        return f"{self.name}_{self.unit}" if self.unit else self.name

    @property
    def title(self) -> str:
        """What people call it; its unit stands beside the value."""
        return self.name.replace("_", " ")


def counter(name: str, doc: str, unit: str = "", *, in_report: bool = False) -> Measure:
    """Something that only grows."""
    return Measure(name, Kind.COUNTER, doc, unit, in_report)


def gauge(name: str, doc: str, unit: str = "") -> Measure:
    """Something that goes up and down."""
    return Measure(name, Kind.GAUGE, doc, unit)


def text(name: str, doc: str, *, metric: str = "") -> Measure:
    """A few words; with `metric`, a metric of that name has it as a label, and the value 1."""
    return Measure(name, Kind.TEXT, doc, metric=metric)


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that belong together, and are told at once."""

    name: str
    """What it is called in JSON."""
    doc: str
    measures: Sequence[Measure]
    labels: tuple[str, ...] = ()
    """What rows are told apart by. Without labels there is one row, an object in JSON; with some
    there is a list. Whoever contributes rows sees to it that they do not become too many."""
    prefix: str = ""
    """Of the names of its metrics, behind that of all."""

    def metric(self, measure: Measure) -> str:
        """The name of a measure in metrics; empty if they do not have it."""
        if measure.kind is Kind.TEXT:
            return f"{PREFIX}{measure.metric}" if measure.metric else ""
        total = "_total" if measure.kind is Kind.COUNTER else ""
        return f"{PREFIX}{self.prefix}{measure.key}{total}"

    def of(self, key: str) -> Measure:
        """The measure that JSON calls `key`; raises KeyError."""
        for measure in self.measures:
            if measure.key == key:
                return measure
        raise KeyError(key)

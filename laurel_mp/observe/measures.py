"""Declaration of measures: status, metrics and documentation follow from it.

A *measure* is one number or a short text. A *group* is a set of measures with one or more rows;
labels, such as the process or the node, identify a row. Groups are declared in
`laurel_mp.observe.groups`; their sources contribute rows to a
`laurel_mp.observe.register.Register`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

PREFIX = "laurel_mp_"
"""Prefix of the names of all metrics."""

Value = int | float | str

Row = Mapping[str, Value]
"""Labels and measures by name. A measure that does not apply to a row is left out."""


class Kind(Enum):
    """Kind of a value."""

    COUNTER = "counter"
    """Grows from the start of the daemon on."""
    GAUGE = "gauge"
    """Goes up and down."""
    TEXT = "text"
    """A short text; in metrics it is the label of a metric of its own."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number or text; made by `counter`, `gauge` or `text`."""

    name: str
    """The key in JSON without its unit, in lower case."""
    kind: Kind
    doc: str
    """Description for administrators, one sentence."""
    unit: str = ""
    """`bytes` or `seconds`, which becomes part of the key; empty for counts."""
    in_report: bool = False
    """True if status reports in the log contain it, when it is not 0."""
    metric: str = ""
    """Name of the metric of a text, without the prefix; empty for none."""

    @property
    def key(self) -> str:
        """The key in JSON."""
        return f"{self.name}_{self.unit}" if self.unit else self.name

    @property
    def title(self) -> str:
        """Name for people, without the unit, which stands beside the value."""
        return self.name.replace("_", " ")


def counter(name: str, doc: str, unit: str = "", *, in_report: bool = False) -> Measure:
    """Declares a counter."""
    return Measure(name, Kind.COUNTER, doc, unit, in_report)


def gauge(name: str, doc: str, unit: str = "") -> Measure:
    """Declares a gauge."""
    return Measure(name, Kind.GAUGE, doc, unit)


def text(name: str, doc: str, *, metric: str = "") -> Measure:
    """Declares a text; with `metric`, a metric of that name has it as a label, and the value 1."""
    return Measure(name, Kind.TEXT, doc, metric=metric)


@dataclass(frozen=True, slots=True)
class Group:
    """A set of measures from one source."""

    name: str
    """The key in JSON."""
    doc: str
    measures: Sequence[Measure]
    labels: tuple[str, ...] = ()
    """Names that identify a row. Without labels there is one row, an object in JSON; with labels a
    list. The source bounds the number of rows."""
    prefix: str = ""
    """Prefix of the names of its metrics, after `PREFIX`."""

    def metric(self, measure: Measure) -> str:
        """Returns the name of a measure as a metric; empty if it is not one."""
        if measure.kind is Kind.TEXT:
            return f"{PREFIX}{measure.metric}" if measure.metric else ""
        total = "_total" if measure.kind is Kind.COUNTER else ""
        return f"{PREFIX}{self.prefix}{measure.key}{total}"

    def of(self, key: str) -> Measure:
        """Returns the measure with this key; raises KeyError."""
        for measure in self.measures:
            if measure.key == key:
                return measure
        raise KeyError(key)

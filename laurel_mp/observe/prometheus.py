"""Metrics in the text format of Prometheus, version 0.0.4.

[https://prometheus.io/docs/instrumenting/exposition_formats/]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laurel_mp.observe.groups import GROUPS
from laurel_mp.observe.measures import Group, Kind, Measure, Value
from laurel_mp.observe.register import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_DOC_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n"})


def encode(snapshot: Snapshot, groups: Sequence[Group] = GROUPS) -> bytes:
    """Returns all metrics, each with HELP and TYPE."""
    lines: list[str] = []
    for group in groups:
        for measure in group.measures:
            name = group.metric(measure)
            if not name:
                continue
            samples = list(_samples(snapshot, group, measure, name))
            if samples:
                kind = Kind.GAUGE if measure.kind is Kind.TEXT else measure.kind
                lines.append(f"# HELP {name} {measure.doc.translate(_DOC_ESCAPES)}")
                lines.append(f"# TYPE {name} {kind.value}")
                lines += samples
    # A label can be a node name from the stream, with half of a character in it.
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def _samples(snapshot: Snapshot, group: Group, measure: Measure, name: str) -> Iterator[str]:
    for row in snapshot[group.name]:
        if measure.key not in row:
            continue
        labels = {label: row[label] for label in group.labels}
        value = row[measure.key]
        if measure.kind is Kind.TEXT:
            labels[measure.key] = value
            value = 1
        yield f"{name}{_shown(labels)} {value}"


def _shown(labels: dict[str, Value]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{str(value).translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}"

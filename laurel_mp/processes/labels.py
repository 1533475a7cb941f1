"""Rules for labels on processes, and for their inheritance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laurel_mp.processes.patterns import PatternSet

Labels = frozenset[bytes]

NONE: Labels = frozenset()


class PatternLabels:
    """Labels to add and to remove, by regular expressions on a text."""

    def __init__(self, put: Mapping[str, str], take: Mapping[str, str]) -> None:
        self._put = PatternSet(put)
        self._take = PatternSet(take)
        self._put_labels = [label.encode() for label in put.values()]
        self._take_labels = [label.encode() for label in take.values()]

    def __bool__(self) -> bool:
        return bool(self._put) or bool(self._take)

    def of(self, text: bytes) -> tuple[Labels, Labels]:
        """Returns the labels to add and those to remove for `text`."""
        put = frozenset(self._put_labels[index] for index in self._put.matches(text))
        take = frozenset(self._take_labels[index] for index in self._take.matches(text))
        return put, take


@dataclass(frozen=True, slots=True)
class LabelRules:
    """Rules of the tracker: labels by rule key and by executable, and inheritance."""

    keys: Labels = NONE
    """Rule keys that become labels."""
    exe: PatternLabels = field(default_factory=lambda: PatternLabels({}, {}))
    propagated: Labels = NONE
    """Labels that pass from parent to child, and over an exec."""

    def by_key(self, keys: tuple[bytes, ...]) -> Labels:
        """Returns the labels for an event with these rule keys."""
        return self.keys.intersection(keys) if self.keys else NONE

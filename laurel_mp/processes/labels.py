"""Labels on processes: where they come from, and who inherits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laurel_mp.processes.patterns import PatternSet

Labels = frozenset[bytes]

NONE: Labels = frozenset()


class PatternLabels:
    """Labels by regular expressions on a text, to be put on and taken away."""

    def __init__(self, put: Mapping[str, str], take: Mapping[str, str]) -> None:
        self._put = PatternSet(put)
        self._take = PatternSet(take)
        self._put_labels = [label.encode() for label in put.values()]
        self._take_labels = [label.encode() for label in take.values()]

    def __bool__(self) -> bool:
        return bool(self._put) or bool(self._take)

    def of(self, text: bytes) -> tuple[Labels, Labels]:
        """The labels to put on, and those to take away, for what is described by `text`."""
        put = frozenset(self._put_labels[index] for index in self._put.matches(text))
        take = frozenset(self._take_labels[index] for index in self._take.matches(text))
        return put, take


@dataclass(frozen=True, slots=True)
class LabelRules:
    """The tracker's part: labels from rule keys and executables, and inheritance."""

    keys: Labels = NONE
    """Rule keys that become labels."""
    exe: PatternLabels = field(default_factory=lambda: PatternLabels({}, {}))
    propagated: Labels = NONE
    """Labels that pass from parent to child, and over an exec."""

    def by_key(self, keys: tuple[bytes, ...]) -> Labels:
        """The labels of an event with these rule keys."""
        return self.keys.intersection(keys) if self.keys else NONE

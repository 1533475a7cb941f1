"""Result of a comparison: number of errors of each kind, and the first examples."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5
"""Number of examples of each kind."""

KINDS = {
    "lost": "events that never came",
    "doubled": "events that came again",
    "order": "events out of order: so many would have to be moved",
    "unexpected": "events that the flood has not made, or that are too far from their place",
    "unreadable": "lines that are no event",
    "loss": "lines that say that events are missing",
    "incomplete": "events that say they lack something, though all of it was there",
    "process": "events with a wrong pid, ppid, comm, exe or PID.EVENT_ID",
    "parent": "events with a wrong PARENT_INFO or SPAWNED_BY",
    "label": "events with wrong labels",
    "argument": "execs with wrong arguments",
}
"""Kinds of errors, in the order of the report."""


@dataclass(frozen=True, slots=True)
class Example:
    """One error."""

    id: str
    """Id of the event, or the number of an unreadable line."""
    expected: Any = None
    """Expected value, if there is one."""
    found: Any = None


@dataclass(slots=True)
class Verdict:
    """Result of a comparison."""

    skipped: Collection[str] = ()
    """Kinds that are not checked."""
    expected: int = 0
    """Events of the flood."""
    found: int = 0
    """Events in the output, with repetitions."""
    counts: dict[str, int] = field(init=False)
    examples: dict[str, list[Example]] = field(init=False)
    announced: int | None = None
    """Planned events of the flood; there are fewer if its reader closed."""

    def __post_init__(self) -> None:
        """Sets all counts to 0."""
        kinds = [kind for kind in KINDS if kind not in self.skipped]
        self.counts = dict.fromkeys(kinds, 0)
        self.examples = {kind: [] for kind in kinds}

    @property
    def right(self) -> bool:
        """True without any error."""
        return not any(self.counts.values())

    @property
    def cut(self) -> bool:
        """True if the flood ended early, perhaps within an event."""
        return self.announced is not None and self.expected < self.announced

    def add(self, kind: str, id_: str, expected: Any = None, found: Any = None) -> None:
        """Counts an error, if its kind is checked."""
        if kind in self.counts:
            self.counts[kind] += 1
            self.give(kind, id_, expected, found)

    def give(self, kind: str, id_: str, expected: Any = None, found: Any = None) -> None:
        """Keeps an example without counting it."""
        examples = self.examples.get(kind)
        if examples is not None and len(examples) < EXAMPLES:
            examples.append(Example(id_, expected, found))

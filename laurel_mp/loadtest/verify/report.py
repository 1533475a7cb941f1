"""What was found to be wrong: how much of each kind, and the first examples."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5
"""Of each kind so many are kept."""

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
"""All that can be wrong, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Example:
    """One thing that is wrong."""

    id: str
    """The event, or of a line that is none its number."""
    expected: Any = None
    """As the output should have it; None if that says nothing."""
    found: Any = None


@dataclass(slots=True)
class Report:
    """The result of a comparison."""

    skipped: Collection[str] = ()
    """Kinds that are not looked for."""
    expected: int = 0
    """Events of the flood."""
    found: int = 0
    """Events in the output, each as often as it came."""
    counts: dict[str, int] = field(init=False)
    examples: dict[str, list[Example]] = field(init=False)
    announced: int | None = None
    """Events that the flood was to have; it has less if its reader went away."""

    def __post_init__(self) -> None:
        """Begin with nothing found of any kind that is looked for."""
        kinds = [kind for kind in KINDS if kind not in self.skipped]
        self.counts = dict.fromkeys(kinds, 0)
        self.examples = {kind: [] for kind in kinds}

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.counts.values())

    @property
    def cut(self) -> bool:
        """Whether the flood ended before its time, within an event perhaps."""
        return self.announced is not None and self.expected < self.announced

    def add(self, kind: str, id_: str, expected: Any = None, found: Any = None) -> None:
        """Counts one thing that is wrong, if it is of a kind that is looked for."""
        if kind in self.counts:
            self.counts[kind] += 1
            self.give(kind, id_, expected, found)

    def give(self, kind: str, id_: str, expected: Any = None, found: Any = None) -> None:
        """Keeps an example, without counting it."""
        examples = self.examples.get(kind)
        if examples is not None and len(examples) < EXAMPLES:
            examples.append(Example(id_, expected, found))

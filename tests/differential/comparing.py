"""Two outputs, event by event: every difference as a path with what stands there on both sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.differential.programs import Event, Key, Output

Path = tuple[str | int, ...]
"""A path in an event: a record's type, perhaps an index, a key, …"""

WHOLE: Path = ("the event",)
"""In place of a path, if one side does not have the event at all."""

# Added to an event, while all else at the top is a record.
_NO_RECORDS = frozenset(("ID", "NODE", "PARENT_INFO", "CONTAINER_INFO", "INCOMPLETE"))


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING: Any = _Missing()


@dataclass(frozen=True)
class Comparison:
    """Two outputs for one capture."""

    theirs: Output
    ours: Output
    config: str
    """The configuration's name."""
    version: str
    """LAUREL's version."""


@dataclass(frozen=True)
class Change:
    """One place in which an event differs."""

    comparison: Comparison
    key: Key
    path: Path
    theirs: Any
    ours: Any
    their_event: Event
    our_event: Event

    def __str__(self) -> str:
        where = ".".join(map(str, self.path))
        sides = f"laurel {_short(self.theirs)}, laurel-mp {_short(self.ours)}"
        compared = f"{self.comparison.version} {self.comparison.config}"
        return f"{compared} {self.key}: {where}: {sides}"

    def our_syscall(self, event_id: object) -> Event:
        """The SYSCALL record of another event of the same node, empty if there is none."""
        for event in self.comparison.ours.events.get((self.key[0], str(event_id)), ()):
            if "SYSCALL" in event:
                syscall: Event = event["SYSCALL"]
                return syscall
        return {}


def changes(comparison: Comparison) -> Iterator[Change]:
    """All differences between two outputs."""
    theirs, ours = comparison.theirs.events, comparison.ours.events
    for key in theirs.keys() | ours.keys():
        for their_event, our_event in _pairs(theirs.get(key, []), ours.get(key, [])):
            for path, their_value, our_value in _walk_event(their_event, our_event):
                yield Change(comparison, key, path, their_value, our_value, their_event, our_event)


def _pairs(theirs: list[Event], ours: list[Event]) -> Iterator[tuple[Event, Event]]:
    """Events with the same id: those that share a type of record belong together."""
    if len(theirs) == len(ours) == 1:  # types of records may have other names
        yield theirs[0], ours[0]
        return
    left = list(ours)
    for event in theirs:
        types = set(event) - _NO_RECORDS
        match = next((other for other in left if types & set(other)), {})
        if match:
            left.remove(match)
        yield event, match
    yield from (({}, event) for event in left)


def _walk_event(theirs: Event, ours: Event) -> Iterator[tuple[Path, Any, Any]]:
    if not theirs or not ours:
        yield WHOLE, theirs or MISSING, ours or MISSING
        return
    their_order, our_order = _order(theirs, ours), _order(ours, theirs)
    if their_order != our_order:
        yield ("order of records",), their_order, our_order
    yield from _walk(theirs, ours, ())


def _order(event: Event, other: Event) -> list[str]:
    return [name for name in event if name in other and name not in _NO_RECORDS]


def _walk(theirs: Any, ours: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if theirs == ours and type(theirs) is type(ours):
        return
    if type(theirs) is dict and type(ours) is dict:
        for key in theirs | ours:
            pair = theirs.get(key, MISSING), ours.get(key, MISSING)
            yield from _walk(*pair, (*path, key))
    elif type(theirs) is list and type(ours) is list and len(theirs) == len(ours):
        for index, pair in enumerate(zip(theirs, ours, strict=True)):
            yield from _walk(*pair, (*path, index))
    else:
        yield path, theirs, ours


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]} … ({len(text)} characters)"

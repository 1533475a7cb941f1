"""A sink: one entry in the list of destinations that a run writes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Literal

from laurel_mp.outputs.acl import Readers
from laurel_mp.outputs.target import Target

Selection = Literal["kept", "filtered", "malformed"]
"""Part of a batch: events that no filter took out, events that one did, malformed lines."""

SELECTIONS: tuple[Selection, ...] = ("kept", "filtered", "malformed")


@dataclass(frozen=True, slots=True)
class Sink:
    """A named destination: where, what, in which format, and what a failure means.

    Sinks do not know of each other. Each has its own position, under its name, in the journal
    and in the state file.
    """

    name: str
    """Section of the configuration that it is from, without `debug.`."""
    target: Target
    takes: Selection = "kept"
    format: str = "native"
    """Name of an event format. Malformed lines are written as they are."""
    line_prefix: str = ""
    """Text before each line."""
    waits: bool = True
    """Stall policy: True waits until a failure has passed, False raises OutputError."""
    append: bool = True
    """For a file: continue at its end. False truncates it."""

    def to_plain(self) -> list[Any]:
        """Returns lists, strings and numbers, for msgpack."""
        return list(astuple(self))

    @classmethod
    def of_plain(cls, plain: Sequence[Any]) -> Sink:
        """Reverses `to_plain`."""
        name, (address, size, generations, readers, fsync), *others = plain
        users, groups, other = readers
        target = Target(
            address, size, generations, Readers(tuple(users), tuple(groups), other), fsync
        )
        return cls(name, target, *others)

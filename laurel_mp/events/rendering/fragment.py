"""Rendered records of an event, without its SYSCALL record."""

from __future__ import annotations

from typing import NamedTuple

from laurel_mp.events.rendering.execution import Execution, LazyExecution
from laurel_mp.records.record import LookUp


class Fragment(NamedTuple):
    """Members of an event's object, with a comma in front of each, and facts about its records."""

    text: bytes
    look_ups: tuple[LookUp, ...]
    """One for each mark, in order."""
    records: int
    paths: int
    """Number of PATH records, as `items=` counts them."""
    missing_arguments: bool
    filtered: bool
    """True if a filter matches a socket address."""
    executed: LazyExecution | None
    """The execution that the records show; None without an EXECVE record."""
    execve_end: int
    """Index in `text` at which members can be added to the EXECVE object."""

    @property
    def execution(self) -> Execution | None:
        """The execution that the records show; None without an EXECVE record."""
        return None if self.executed is None else self.executed.found()

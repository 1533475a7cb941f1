"""What the records of an event come to, but for its SYSCALL record."""

from __future__ import annotations

from typing import NamedTuple

from laurel_mp.events.rendering.execution import Execution, LazyExecution
from laurel_mp.records.record import LookUp


class Fragment(NamedTuple):
    """Members of an event's object, with a comma in front of each, and what they show."""

    text: bytes
    look_ups: tuple[LookUp, ...]
    """One for each mark, in their order."""
    records: int
    paths: int
    """How many of the paths that `items=` counts there are."""
    missing_arguments: bool
    filtered: bool
    """Whether a socket address says that the event is filtered."""
    executed: LazyExecution | None
    """Tells what was executed, if there is an EXECVE record."""
    execve_end: int
    """Where in `text` members can be added to the EXECVE object."""

    @property
    def execution(self) -> Execution | None:
        """What was executed, if there is an EXECVE record."""
        return None if self.executed is None else self.executed.found()

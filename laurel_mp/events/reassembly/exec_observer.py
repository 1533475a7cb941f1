"""What others add to events while they are decoded; the decoder's stage brings it along."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Protocol

from laurel_mp.events.rendering.execution import LazyExecution

Text = Annotated[bytes, re.compile(rb"[^\n\0\x01]*")]
"""May stand in an event's line."""


class Started(NamedTuple):
    """What the system says about a process whose exec has just been seen."""

    facts: Text = b""
    """Start time, container, services, 1 for an init, as `ProcessQueries.processes` has them."""
    inode: Text = b""
    """Inode number of what it runs."""
    members: Text = b""
    """Members for the SYSCALL object, with a comma in front of each."""
    environment: Text = b""
    """Members for the EXECVE object, the same."""
    device: Text = b""
    """Where that is, as records have it."""


NOTHING = Started()


class Finished(NamedTuple):
    """What all records of an exec together say."""

    members: bytes
    """Members for the SYSCALL object, with a comma in front of each."""
    details: bytes
    """For the tracker: labels to put on and to take away, the command line; empty for none."""


class ExecObserver(Protocol):
    """Looks at successful execs."""

    def started(self, pid: bytes, exe: bytes) -> Started:
        """Called as soon as the SYSCALL record of a local process is seen; `exe` is JSON."""

    def finished(self, started: Started, executed: LazyExecution) -> Finished:
        """Called when all records are there."""

    def statistics(self) -> dict[str, int]:
        """Sizes and limits met, for status reports."""


@dataclass(frozen=True, slots=True)
class ContentFilters:
    """Filters on what events hold."""

    raw_line: Callable[[bytes], bool] | None = None
    """Whether an input line, without its line feed, says filter."""
    user_record: Callable[[bytes], bool] | None = None
    """Whether the body of a record from user space says filter."""
    active: bool = False
    """Whether any event may be filtered, by these or by others."""

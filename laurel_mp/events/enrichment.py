"""What others add to events while they are decoded; the decoder's stage brings it along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from laurel_mp.events.executions import Execution


class Started(NamedTuple):
    """What the system says about a process whose exec has just been seen."""

    facts: bytes = b""
    """For the tracker: start time, container, services, 1 for an init; see `Rows.who`."""
    inode: bytes = b""
    """Inode number of what it runs."""
    members: bytes = b""
    """Members for the SYSCALL object, with a comma in front of each."""
    environment: bytes = b""
    """Members for the EXECVE object, the same."""
    device: bytes = b""
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

    def finished(self, started: Started, execution: Execution) -> Finished:
        """Called when all records are there."""


@dataclass(frozen=True, slots=True)
class ContentFilters:
    """Filters on what events hold."""

    raw_line: Callable[[bytes], bool] | None = None
    """Whether an input line, without its line feed, says filter."""
    user_record: Callable[[bytes], bool] | None = None
    """Whether the body of a record from user space says filter."""
    active: bool = False
    """Whether any event may be filtered, by these or by others."""

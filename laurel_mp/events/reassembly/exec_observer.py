"""The interface by which the decoder stage adds to execs."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, Protocol

from laurel_mp.events.rendering.execution import LazyExecution

Text = Annotated[bytes, re.compile(rb"[^\n\0\x01]*")]
"""Bytes that may be part of an event's line."""


class Started(NamedTuple):
    """First answer of an observer: facts from /proc about a process that has just executed."""

    facts: Text = b""
    """Start time, container, services, 1 for an init, as `ProcessQueries.processes` has them."""
    inode: Text = b""
    """Inode number of the executable."""
    members: Text = b""
    """Members for the SYSCALL object, with a comma in front of each."""
    environment: Text = b""
    """Members for the EXECVE object, with a comma in front of each."""
    device: Text = b""
    """Device of the executable, as in records."""


NOTHING = Started()


class Finished(NamedTuple):
    """Second answer of an observer: additions by all records of an exec."""

    members: bytes
    """Members for the SYSCALL object, with a comma in front of each."""
    details: bytes
    """Labels to add, labels to remove, command line, as `ProcessQueries.processes` has them."""


class ExecObserver(Protocol):
    """Adds to successful execs."""

    def started(self, pid: bytes, exe: bytes) -> Started:
        """Called with the SYSCALL record of a local process, at once; `exe` is JSON."""

    def finished(self, started: Started, executed: LazyExecution) -> Finished:
        """Called when all records have arrived."""

    def statistics(self) -> dict[str, int]:
        """Returns sizes and limits met, for status reports."""

"""Compares the processes that run now with those of a restored table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from laurel_mp.processes.process_table import Process, ProcessTable

_is_time = re.compile(rb"[0-9]{1,12}\.[0-9]{3}").match


def reconcile(
    table: ProcessTable,
    running: Iterable[Process],
    now: float,
    add: Callable[[ProcessTable, Process], object],
) -> None:
    """Ends the processes that do not run any more, and adds those that are new.

    `running` are all processes of the host, parents first.
    """
    found = {process.pid: process for process in running}
    for pid, process in list(table.current.items()):
        if pid not in found or not _may_be(found[pid], process):
            table.end(process, now)
    for pid, process in found.items():
        known = table.known(pid)
        if known is None or not _may_be(process, known):
            add(table, process)
        elif known.start_time != process.start_time:
            # Later execs are compared with the start time of this run.
            table.change(known, start_time=process.start_time)


def _may_be(running: Process, known: Process) -> bool:
    """True if a running process may be one that was known before, by its start time.

    Start times from /proc may be off by up to a second. If that of `known` was never read, the
    process must have existed at the time of the event by which it is known.
    """
    started = _seconds(running.start_time)
    if known.start_time:
        return abs(started - _seconds(known.start_time)) <= 1
    return started <= _seconds(known.id) + 1


def _seconds(time: bytes) -> float:
    """Returns the seconds of a start time or of an event id; 0 for any other text."""
    match = _is_time(time)
    return float(match[0]) if match else 0.0

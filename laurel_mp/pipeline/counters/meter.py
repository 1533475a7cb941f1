"""What each process notes about itself on the board, and how."""

from __future__ import annotations

import math
import os
import resource
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from laurel_mp.observe import log
from laurel_mp.pipeline.counters.scoreboard import ROW

DONE = 0
"""Where in a row the number of the last batch stands that was done."""

COUNTED = (
    "batches",
    "lines",
    "events",
    "written_bytes",
    "cpu_user_seconds",
    "cpu_system_seconds",
    "messages_lost",
    "lookups",
    "lookups_gone",
    "names_asked",
    "names_unanswered",
)
"""Measures of the group `processes` that only grow, in the order in which rows have them."""

MEASURED = ("memory_bytes",)
"""The others."""

TABLES = (
    "events_in_flight",
    "remembered_events",
    "rendered_bytes",
    "names",
    "hashes",
    "processes",
    "nodes",
    "answers",
    "waiting_annotations",
)
"""What is remembered; each has entries, limit and evictions in a row, in this order."""

UNLIMITED = (1 << 64) - 1
"""The limit of a table that something else bounds."""

LOOK = 2.0
"""Seconds between looks at memory and tables; a barrier is a reason to look, too."""

_PLACE = {name: place for place, name in enumerate((*COUNTED, *MEASURED), 1)}
_FIRST_TABLE = 1 + len(_PLACE)
_BATCHES, _LINES, _EVENTS = _PLACE["batches"], _PLACE["lines"], _PLACE["events"]
_WRITTEN = _PLACE["written_bytes"]
_USER, _SYSTEM = _PLACE["cpu_user_seconds"], _PLACE["cpu_system_seconds"]
_PAGE = os.sysconf("SC_PAGE_SIZE")

assert _FIRST_TABLE + 3 * len(TABLES) <= ROW


class Fill(NamedTuple):
    """How full a table is."""

    entries: int
    limit: int = UNLIMITED
    evictions: int = 0
    """How often something was forgotten because there was no room."""


class Meter:
    """The side of the process that counts. All it does is to store numbers: 1 us for each batch."""

    def __init__(
        self,
        row: memoryview,
        clock: Callable[[], float] = time.monotonic,
        *,
        live: bool = True,
        own_process: bool = True,
    ) -> None:
        """Offline nobody asks for what `look` notes, and /proc is not looked at.

        What shares a process with those who tell all this does not count CPU time: they do.
        """
        self._row = row
        self._clock = clock
        self._own_process = own_process
        self._looked = -math.inf if live else math.inf

    def did(self, batch: int, lines: int, events: int) -> None:
        """A batch is done; lines and events since this process began."""
        row = self._row
        row[_BATCHES] += 1
        row[_LINES] = lines
        row[_EVENTS] = events
        if self._own_process:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            row[_USER] = int(usage.ru_utime * 1e6)
            row[_SYSTEM] = int(usage.ru_stime * 1e6)
        row[DONE] = batch

    def wrote(self, size: int) -> None:
        """Notes that so many bytes went to the outputs."""
        self._row[_WRITTEN] += size

    def is_due(self) -> bool:
        """Whether it is time to `look`; counts from now on if it is."""
        now = self._clock()
        if now - self._looked < LOOK:
            return False
        self._looked = now
        return True

    def look(self, tables: Mapping[str, Fill], counted: Mapping[str, int]) -> None:
        """Notes how large this process is, how full its tables are, and other counts."""
        row = self._row
        row[_PLACE["memory_bytes"]] = resident_bytes()
        row[_PLACE["messages_lost"]] = log.statistics().lost
        for name, number in counted.items():
            row[_PLACE[name]] = number
        for name, fill in tables.items():
            place = _FIRST_TABLE + 3 * TABLES.index(name)
            row[place], row[place + 1], row[place + 2] = fill.entries, fill.limit, fill.evictions


def resident_bytes(pid: int | str = "self") -> int:
    """The memory of a process that is in RAM (RSS); 0 if that cannot be known."""
    try:
        fd = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(fd, 128).split()[1]) * _PAGE
        finally:
            os.close(fd)
    except (OSError, IndexError, ValueError):
        return 0


class Noted(NamedTuple):
    """What a row said at one time."""

    done: int
    numbers: dict[str, int]
    """By measure; what is counted in seconds is in microseconds."""
    tables: dict[str, Fill]


def read(row: memoryview) -> Noted:
    """What a process has noted; tables that it does not have are left out."""
    values = row.tolist()
    tables = {}
    for number, name in enumerate(TABLES):
        place = _FIRST_TABLE + 3 * number
        entries, limit, evictions = values[place : place + 3]
        if limit:
            tables[name] = Fill(entries, limit, evictions)
    numbers = {name: values[place] for name, place in _PLACE.items()}
    return Noted(values[DONE], numbers, tables)


def erase(row: memoryview) -> None:
    """Has it say nothing."""
    for place in range(ROW):
        row[place] = 0

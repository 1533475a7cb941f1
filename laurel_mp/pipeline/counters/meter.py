"""A process's row on the scoreboard: how it is written and read."""

from __future__ import annotations

import math
import os
import resource
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from laurel_mp.observe import log
from laurel_mp.pipeline.counters.scoreboard import ROW

LAST_BATCH = 0
"""Index in a row of the number of the last completed batch."""

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
"""Counters of the group `processes`, in the order of a row."""

MEASURED = ("memory_bytes",)
"""The gauges of that group, behind them."""

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
"""Tables; each has entries, limit and evictions in a row, in this order."""

UNLIMITED = (1 << 64) - 1
"""The limit of a table that is bounded by something else."""

MEASURE_SECONDS = 2.0
"""Seconds between two measurements of memory and tables; barriers cause one, too."""

_PLACE = {name: place for place, name in enumerate((*COUNTED, *MEASURED), 1)}
_FIRST_TABLE = 1 + len(_PLACE)
_BATCHES, _LINES, _EVENTS = _PLACE["batches"], _PLACE["lines"], _PLACE["events"]
_WRITTEN = _PLACE["written_bytes"]
_USER, _SYSTEM = _PLACE["cpu_user_seconds"], _PLACE["cpu_system_seconds"]
_PAGE = os.sysconf("SC_PAGE_SIZE")

assert _FIRST_TABLE + 3 * len(TABLES) <= ROW


class Fill(NamedTuple):
    """Fill level of a table."""

    entries: int
    limit: int = UNLIMITED
    evictions: int = 0
    """Number of entries that were dropped for want of room."""


class Meter:
    """Writes a process's row; costs 1 us per batch."""

    def __init__(
        self,
        row: memoryview,
        clock: Callable[[], float] = time.monotonic,
        *,
        live: bool = True,
        own_process: bool = True,
    ) -> None:
        """With `live` false, `measure` is never due: an offline command has no status socket.

        With `own_process` false, CPU time is not counted: ingest counts that of its process.
        """
        self._row = row
        self._clock = clock
        self._own_process = own_process
        self._measured = -math.inf if live else math.inf

    def count_batch(self, batch: int, lines: int, events: int) -> None:
        """Counts a completed batch; `lines` and `events` since the start of this process."""
        row = self._row
        row[_BATCHES] += 1
        row[_LINES] = lines
        row[_EVENTS] = events
        if self._own_process:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            row[_USER] = int(usage.ru_utime * 1e6)
            row[_SYSTEM] = int(usage.ru_stime * 1e6)
        row[LAST_BATCH] = batch

    def wrote(self, size: int) -> None:
        """Counts bytes that were written to sinks."""
        self._row[_WRITTEN] += size

    def is_due(self) -> bool:
        """Returns True if it is time to `measure`, and restarts the interval then."""
        now = self._clock()
        if now - self._measured < MEASURE_SECONDS:
            return False
        self._measured = now
        return True

    def measure(self, tables: Mapping[str, Fill], counted: Mapping[str, int]) -> None:
        """Writes the memory of this process, the fill levels of its tables, and other counts."""
        row = self._row
        row[_PLACE["memory_bytes"]] = resident_bytes()
        row[_PLACE["messages_lost"]] = log.statistics().lost
        for name, number in counted.items():
            row[_PLACE[name]] = number
        for name, fill in tables.items():
            place = _FIRST_TABLE + 3 * TABLES.index(name)
            row[place], row[place + 1], row[place + 2] = fill.entries, fill.limit, fill.evictions


def resident_bytes(pid: int | str = "self") -> int:
    """Returns the resident memory of a process in bytes; 0 if unknown."""
    try:
        fd = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(fd, 128).split()[1]) * _PAGE
        finally:
            os.close(fd)
    except (OSError, IndexError, ValueError):
        return 0


class RowValues(NamedTuple):
    """The values of a row."""

    last_batch: int
    numbers: dict[str, int]
    """By measure; times are in microseconds."""
    tables: dict[str, Fill]


def read(row: memoryview) -> RowValues:
    """Returns the values of a row, without tables that the process does not have."""
    values = row.tolist()
    tables = {}
    for number, name in enumerate(TABLES):
        place = _FIRST_TABLE + 3 * number
        entries, limit, evictions = values[place : place + 3]
        if limit:
            tables[name] = Fill(entries, limit, evictions)
    numbers = {name: values[place] for name, place in _PLACE.items()}
    return RowValues(values[LAST_BATCH], numbers, tables)


def erase(row: memoryview) -> None:
    """Sets all values to 0."""
    for place in range(ROW):
        row[place] = 0

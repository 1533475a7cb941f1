"""Counts by process name, summed over all processes that had the name, for ingest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from laurel_mp.pipeline.counters import meter
from laurel_mp.pipeline.counters.meter import COUNTED, Fill, RowValues
from laurel_mp.pipeline.counters.scoreboard import Scoreboard


class ProcessSlot(NamedTuple):
    """A process of a stage runner, and its slot on the scoreboard."""

    name: str
    """`worker-1`, `tracker`, `writer`, or `ingest` for all stages in one process."""
    slot: int


class Account(NamedTuple):
    """Counts and sizes of the processes of one name."""

    last_batch: int
    """The last batch that it has completed; 0 for none."""
    numbers: dict[str, int]
    tables: dict[str, Fill]
    starts: int
    """Processes that had this name."""


class Accounts:
    """Adds the counts of processes that replaced each other."""

    def __init__(self, board: Scoreboard) -> None:
        self._board = board
        self._processes: list[ProcessSlot] = []
        self._former: dict[str, Counter[str]] = {}
        """Counts of ended processes, by name."""
        self._evictions: dict[str, Counter[str]] = {}
        self._starts: Counter[str] = Counter()

    @property
    def processes(self) -> Iterable[ProcessSlot]:
        """The processes of the last stage runner."""
        return self._processes

    def row(self, slot: int) -> memoryview:
        """Returns the row of a slot, for a Meter."""
        return self._board.row(slot)

    def begin(self, processes: list[ProcessSlot]) -> None:
        """Starts to count for a stage runner, behind `settle` for the former one."""
        self._processes = processes
        for name, slot in processes:
            self._starts[name] += 1
            meter.erase(self._board.row(slot))

    def settle(self) -> None:
        """Keeps the counts of the processes, which have ended."""
        for name, slot in self._processes:
            row = self._board.row(slot)
            values = meter.read(row)
            former = self._former.setdefault(name, Counter())
            former.update({each: values.numbers[each] for each in COUNTED})
            evictions = self._evictions.setdefault(name, Counter())
            evictions.update({each: fill.evictions for each, fill in values.tables.items()})
            meter.erase(row)

    def account(self, process: ProcessSlot) -> Account:
        """Returns the counts of a process and its predecessors."""
        name = process.name
        values = meter.read(self._board.row(process.slot))
        numbers, tables = self._numbers(name, values), self._tables(name, values)
        return Account(values.last_batch, numbers, tables, self._starts[name])

    def total(self, measure: str, without: str) -> int:
        """Returns the sum of a measure over all processes but the one named `without`."""
        former = (each[measure] for name, each in self._former.items() if name != without)
        present = (
            meter.read(self._board.row(slot)).numbers[measure]
            for name, slot in self._processes
            if name != without
        )
        return sum(former) + sum(present)

    def _numbers(self, name: str, values: RowValues) -> dict[str, int]:
        former = self._former.get(name, Counter())
        return {each: number + former[each] for each, number in values.numbers.items()}

    def _tables(self, name: str, values: RowValues) -> dict[str, Fill]:
        former = self._evictions.get(name, Counter())
        return {
            each: fill._replace(evictions=fill.evictions + former[each])
            for each, fill in values.tables.items()
        }

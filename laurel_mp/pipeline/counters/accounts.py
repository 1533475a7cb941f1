"""What all processes have counted, over all their lives: ingest's side of the board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from laurel_mp.pipeline.counters import meter
from laurel_mp.pipeline.counters.meter import COUNTED, Fill, Noted
from laurel_mp.pipeline.counters.scoreboard import Scoreboard


class Member(NamedTuple):
    """A process of a crew."""

    name: str
    """`worker-1`, `tracker`, `writer`, or `ingest` for all stages in one process."""
    slot: int


class Account(NamedTuple):
    """What a process of this name has done until now, and how it is."""

    done: int
    """The last batch that it has done; 0 for none."""
    numbers: dict[str, int]
    tables: dict[str, Fill]
    starts: int


class Accounts:
    """Adds up what processes count that take each other's place."""

    def __init__(self, board: Scoreboard) -> None:
        self._board = board
        self._members: list[Member] = []
        self._former: dict[str, Counter[str]] = {}
        """What those counted that have ended, by name of the process."""
        self._evictions: dict[str, Counter[str]] = {}
        self._starts: Counter[str] = Counter()

    @property
    def members(self) -> Iterable[Member]:
        """The processes of the crew that was started last."""
        return self._members

    def row(self, slot: int) -> memoryview:
        """What the process of a slot notes."""
        return self._board.row(slot)

    def begin(self, members: list[Member]) -> None:
        """A crew starts; `settle` was called for the one before it."""
        self._members = members
        for name, slot in members:
            self._starts[name] += 1
            meter.erase(self._board.row(slot))

    def settle(self) -> None:
        """The processes have ended: what they have counted is kept."""
        for name, slot in self._members:
            row = self._board.row(slot)
            noted = meter.read(row)
            former = self._former.setdefault(name, Counter())
            former.update({each: noted.numbers[each] for each in COUNTED})
            evictions = self._evictions.setdefault(name, Counter())
            evictions.update({each: fill.evictions for each, fill in noted.tables.items()})
            meter.erase(row)

    def of(self, member: Member) -> Account:
        """All that a process has counted, and those that had its place before it."""
        name = member.name
        noted = meter.read(self._board.row(member.slot))
        numbers, tables = self._numbers(name, noted), self._tables(name, noted)
        return Account(noted.done, numbers, tables, self._starts[name])

    def total(self, measure: str, without: str) -> int:
        """What all processes have counted, but for one."""
        former = (each[measure] for name, each in self._former.items() if name != without)
        present = (
            meter.read(self._board.row(slot)).numbers[measure]
            for name, slot in self._members
            if name != without
        )
        return sum(former) + sum(present)

    def _numbers(self, name: str, noted: Noted) -> dict[str, int]:
        former = self._former.get(name, Counter())
        return {each: number + former[each] for each, number in noted.numbers.items()}

    def _tables(self, name: str, noted: Noted) -> dict[str, Fill]:
        former = self._evictions.get(name, Counter())
        return {
            each: fill._replace(evictions=fill.evictions + former[each])
            for each, fill in noted.tables.items()
        }

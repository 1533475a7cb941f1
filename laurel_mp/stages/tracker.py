"""The tracker's stage: rows of all workers into annotations, in the order of the stream."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import NamedTuple

from laurel_mp.events.syscall import Call
from laurel_mp.processes.context import ContextOptions, ContextRenderer
from laurel_mp.processes.table import Process, ProcessTable, ProcessTables
from laurel_mp.stages.messages import Annotations, DecodedRows

MAX_ANSWERS = 32768
"""Answers that are remembered."""


def _by_rank(batch: list[DecodedRows], keys: array[int]) -> list[int]:
    """Row numbers in the order of keys and, among equal ones, of ranks."""
    ranks = dict.fromkeys(range(len(keys)), 0)
    first = 0
    for rows in batch:
        pairs = array("Q", rows.ranks)
        for index, rank in zip(pairs[::2], pairs[1::2], strict=True):
            ranks[first + index] = rank
        first += len(rows.calls)
    return sorted(range(len(keys)), key=lambda index: (keys[index], ranks[index]))


class _Answer(NamedTuple):
    """An annotation, which holds as long as both process ids stand for the same instances."""

    annotation: bytes
    current: dict[bytes, Process]
    pid: bytes
    process: Process
    ppid: bytes
    parent: Process | None


class Tracker:
    """Owns the process tables."""

    def __init__(self, options: ContextOptions) -> None:
        self._context = ContextRenderer(options)
        self.tables = ProcessTables()
        self._answers: dict[bytes, _Answer] = {}
        self.rows = 0
        """Rows answered, since the start."""

    def apply(self, batch: list[DecodedRows]) -> list[Annotations]:
        """Answers the rows that the workers have about one batch, for each worker in turn."""
        calls = b"".join([rows.calls for rows in batch])
        counts = [len(rows.calls) for rows in batch]
        keys = array("Q")
        who: list[bytes] = []
        ids: list[bytes] = []
        for rows in batch:
            if rows.calls:
                keys.frombytes(rows.keys)
                who += rows.who.split(b"\n")
                ids += rows.ids.split(b"\n")
        order: Iterable[int]
        if any(rows.ranks for rows in batch):
            order = _by_rank(batch, keys)
        elif len(batch) == 1:
            order = range(len(keys))
        else:
            order = sorted(range(len(keys)), key=keys.__getitem__)
        answers = self._answers
        found: list[bytes] = [b""] * len(keys)
        for index in order:
            answer = answers.get(who[index])
            if answer is not None and calls[index] == 0:
                annotation, current, pid, process, ppid, parent = answer
                if current.get(pid) is process and current.get(ppid) is parent:
                    process.used = keys[index]
                    found[index] = annotation
                    continue
            found[index] = self._answer(calls[index], who[index], ids[index], keys[index])
        self.rows += len(keys)
        split = []
        start = 0
        for count in counts:
            split.append(found[start : start + count])
            start += count
        return split

    def _answer(self, call: int, who: bytes, id_: bytes, key: int) -> bytes:
        if call == Call.LOOK_UP:
            pid, name, *node = who.split(b"\t")
            table = self.tables.of(b"".join(node))
            return self._context.look_up(name, table.current.get(pid))
        pid, ppid, comm, exe, *node = who.split(b"\t")
        table = self.tables.of(b"".join(node))
        before = table.current.get(pid)
        had_parent = before.ppid if before is not None else ppid
        apply = ProcessTable.execute if call == Call.EXEC else ProcessTable.observe
        process = apply(table, id_, pid, ppid, comm, exe, key)
        if process is before and ppid != had_parent:
            self._answers.clear()  # those about its children say who its parent was
        parent = table.current.get(ppid)
        annotation = self._context.close_syscall(process, parent)
        if call == Call.EXIT_GROUP:
            process.ended = True
        elif len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()
        else:
            answer = _Answer(annotation, table.current, pid, process, ppid, parent)
            self._answers[who] = answer
        return annotation

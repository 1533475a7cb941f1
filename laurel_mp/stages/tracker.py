"""The tracker's stage: answers the queries of all workers, in the order of the stream."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from laurel_mp.errors import SnapshotError
from laurel_mp.events.reassembly.bodies import FILTERED
from laurel_mp.events.rendering.syscall import Call
from laurel_mp.processes.context import ContextOptions, ContextRenderer
from laurel_mp.processes.filters import ProcessFilters
from laurel_mp.processes.labels import LabelRules, Labels
from laurel_mp.processes.process_table import (
    MAX_ANCESTORS,
    NO_FACTS,
    Facts,
    Process,
    ProcessTable,
    ProcessTables,
)
from laurel_mp.records.strings import decode
from laurel_mp.stages import reconciliation
from laurel_mp.stages.packing import check, pack, unpack
from laurel_mp.stages.process_state import (
    ProcessesState,
    TableState,
    check_processes,
    check_table,
    fill_table,
    processes,
    state_of,
    state_of_table,
)
from laurel_mp.stages.stage_messages import Annotations, DecodedQueries

MAX_ANSWERS = 32768
"""Cached answers; also a limit of cached rule keys, and of cached labels of executables."""

# Members of an enumeration are slow to look up.
_PLAIN, _EXEC, _EXIT_GROUP = Call.PLAIN.value, Call.EXEC.value, Call.EXIT_GROUP.value
_LOOK_UP, _DETAILS, _WHOLE_EXEC = Call.LOOK_UP.value, Call.DETAILS.value, Call.WHOLE_EXEC.value

MAX_EXECS = 4096
"""Execs after which an earlier one without details is forgotten.

Details may arrive when its process has executed again.
"""

Find = Callable[[bytes], Process | None]
"""Looks up a process id in the system; None if that fails."""


def _find_nothing(_pid: bytes) -> Process | None:
    return None


@dataclass(frozen=True, slots=True)
class TrackerOptions:
    """Options of the tracker."""

    context: ContextOptions = field(default_factory=ContextOptions)
    labels: LabelRules = field(default_factory=LabelRules)
    filters: ProcessFilters = field(default_factory=ProcessFilters)
    local_node: bytes = b""
    """Node of this host, as JSON: only its processes, and those of lines without a node, are looked
    up in the system."""
    find: Find = _find_nothing


_Answer = tuple[bytes, ProcessTable, dict[bytes, Process], bytes, Process, bytes, Process | None]
"""Annotation, table, its dictionary of current instances, pid and instance of the process and of
its parent.

The answer is valid as long as both pids have the same instances.
"""


class TrackerState(NamedTuple):
    """State of a tracker between two batches."""

    now: float
    queries: int
    tables: list[TableState]
    """Tables of all nodes; the first is that of lines without a node."""
    executions: int
    """Execs so far."""
    execs: list[tuple[bytes, bytes, int]]
    """Node, event id and number of each exec whose details may follow."""
    executed: ProcessesState
    """Instances that these execs have started."""


class Tracker:
    """Owns the process tables."""

    def __init__(self, options: TrackerOptions) -> None:
        self._options = options
        self._context = ContextRenderer(options.context)
        self._is_filtering = bool(options.filters)
        self._labels_exe = bool(options.labels.exe)
        self._find_none = options.find is _find_nothing
        self.tables = ProcessTables(options.labels.propagated, options.local_node)
        self._answers: dict[bytes, _Answer] = {}
        # The first entry of a plain dict takes ever longer to find, the more were deleted before.
        self._execs: OrderedDict[tuple[bytes, bytes], tuple[int, Process]] = OrderedDict()
        """Number and started instance of each exec whose details may follow, by node and event
        id, in order."""
        self._executions = 0
        """Number of execs so far."""
        self._keys: dict[bytes, tuple[bytes, ...]] = {}
        self._exe_labels: dict[bytes, tuple[Labels, Labels]] = {}
        self._cleared = 0
        self._now = 0.0
        self.queries = 0
        """Number of answered queries, since the start."""

    def statistics(self) -> dict[str, int]:
        """Returns sizes and limits met, for status reports."""
        answers = {"answers": len(self._answers), "answers_cleared": self._cleared}
        return self.tables.statistics() | answers

    def seed(self, processes: Iterable[Process]) -> None:
        """Fills the table of this host with running processes, parents first."""
        table = self.tables.of(b"")
        for process in processes:
            self._add(table, process)

    def reconcile(self, running: Iterable[Process]) -> None:
        """Updates the table of this host after a time that the stream does not show.

        `running` are all processes, parents first. The others have ended; new ones are added.
        """
        reconciliation.reconcile(self.tables.of(b""), running, self._now, self._add)

    def snapshot(self) -> bytes:
        """Returns the state between two batches: a packed TrackerState."""
        state = TrackerState(
            self._now,
            self.queries,
            [state_of_table(node, table) for node, table in self.tables.items()],
            self._executions,
            [(*key, number) for key, (number, _) in self._execs.items()],
            state_of([process for _, process in self._execs.values()]),
        )
        return pack(state)

    def restore(self, snapshot: bytes) -> None:
        """Continues from a snapshot; only before the first batch. Drops seeded processes.

        A snapshot from a file must have been checked.
        """
        state = unpack(snapshot, TrackerState)
        executed = processes(state.executed)
        tables = ProcessTables(self._options.labels.propagated, self._options.local_node)
        for each in state.tables:
            table = tables.of(each.node)
            if each.node == b"" or table is not tables.of(b""):  # otherwise this host was renamed
                fill_table(table, each)
        self.tables = tables
        self._executions = state.executions
        self._execs = OrderedDict(
            ((node, id_), (number, process))
            for (node, id_, number), process in zip(state.execs, executed, strict=True)
        )
        self._now = state.now
        self.queries = state.queries

    def apply(self, batch: list[DecodedQueries]) -> list[Annotations]:
        """Answers the queries of all workers for one batch; returns a list for each worker."""
        calls = b"".join([queries.calls for queries in batch])
        keys = array("Q")
        texts: list[bytes] = []
        ids: list[bytes] = []
        for queries in batch:
            keys += queries.keys
            texts += queries.processes
            ids += queries.ids
        order = _order(batch, keys)
        if order is not None:
            calls = bytes([calls[index] for index in order])
            keys = array("Q", [keys[index] for index in order])
            texts = [texts[index] for index in order]
            ids = [ids[index] for index in order]
        found: list[bytes] = []
        start = 0
        for key, now in batch[0].clocks:  # all workers have the same
            end = bisect_left(keys, key)
            self._answer_queries(
                calls[start:end], texts[start:end], ids[start:end], keys[start:end], found
            )
            self._now = now
            self.tables.expire(now)
            start = end
        self._answer_queries(calls[start:], texts[start:], ids[start:], keys[start:], found)
        self.queries += len(keys)
        if order is not None:
            in_order, found = found, [b""] * len(found)
            for index, answer in zip(order, in_order, strict=True):
                found[index] = answer
        split = []
        start = 0
        for queries in batch:
            split.append(found[start : start + len(queries.calls)])
            start += len(queries.calls)
        return split

    def _answer_queries(
        self,
        calls: bytes,
        texts: list[bytes],
        ids: list[bytes],
        keys: array[int],
        found: list[bytes],
    ) -> None:
        """Adds answers to `found`; the queries are in the order of the stream."""
        answers, add = self._answers, found.append
        for call, text, id_, key in zip(calls, texts, ids, keys, strict=True):
            if call == _PLAIN or call == _EXIT_GROUP:  # noqa: PLR1714, SIM109 - faster
                answer = answers.get(text)
                if answer is not None:
                    annotation, table, current, pid, process, ppid, parent = answer
                    if (
                        current.get(pid) is process
                        and current.get(ppid) is parent
                        # A parent that was unknown may have started and ended meanwhile.
                        and (parent is not None or ppid not in table.ended)
                    ):
                        process.used = key
                        add(annotation)
                        if call:
                            table.end(process, self._now)
                            del answers[text]
                        continue
            add(self._answer(call, text, id_, key))

    def _answer(self, call: int, text: bytes, id_: bytes, key: int) -> bytes:
        if call == _LOOK_UP:
            return self._look_up(text)
        of_event, *details = text.split(b"\x1e")
        pid, ppid, comm, exe, uid, rule_key, *nodes = of_event.split(b"\t")
        node = nodes[0] if nodes else b""
        table = self.tables.of(node)
        is_first = True
        parent = self._known(table, node, ppid)
        if call == _WHOLE_EXEC or call == _EXEC:  # noqa: PLR1714, SIM109 - faster
            facts = _facts(*details) if details else NO_FACTS
            process = table.execute((id_, pid, ppid, comm, exe, key, facts))
            process = self._label_exe(table, process)
            self._executions += 1
        elif call == _DETAILS:
            executed = self._executed(table, node, id_, pid)
            process = executed or Process(id_, pid, ppid, comm, exe, key)
            process = _with_details(table, process, *details)
        else:
            if pid not in table.current:
                self._find(table, node, pid)
            process, is_first = table.observe((id_, pid, ppid, comm, exe, key, NO_FACTS))
            if is_first and (process.origin is None or process.origin.exe != process.exe):
                process = self._label_exe(table, process)  # its exec is not in the stream
        if pid == ppid:
            parent = process
        if self._options.labels.keys:
            labels = self._options.labels.by_key(self._rule_keys(rule_key)) - process.labels
            if labels:
                process = table.change(process, labels=process.labels | labels)
        annotation = later = self._context.close_syscall(process, parent)
        if self._is_filtering:
            annotation, later = self._filter(exe, uid, rule_key, process, annotation, is_first)
        if call == _EXIT_GROUP:
            table.end(process, self._now)
            return annotation
        if call == _EXEC:
            self._expect_details(node, id_, process)
        # The next query about a process mostly has the same text.
        if len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()
            self._cleared += 1
        self._answers[of_event] = later, table, table.current, pid, process, ppid, parent
        return annotation

    def _look_up(self, text: bytes) -> bytes:
        pid, name, *nodes = text.split(b"\t")
        node = nodes[0] if nodes else b""
        return self._context.look_up(name, self._known(self.tables.of(node), node, pid))

    # --- the process of a query

    def _expect_details(self, node: bytes, id_: bytes, process: Process) -> None:
        """Remembers an exec whose details may follow."""
        key = node, id_
        self._execs[key] = self._executions, process
        self._execs.move_to_end(key)
        while True:
            oldest = next(iter(self._execs))
            if self._is_recent(self._execs[oldest][0]):
                return
            del self._execs[oldest]

    def _is_recent(self, execution: int) -> bool:
        return self._executions - execution < MAX_EXECS

    def _executed(self, table: ProcessTable, node: bytes, id_: bytes, pid: bytes) -> Process | None:
        """Returns the instance that an exec has started, for its details; None if forgotten."""
        execution, executed = self._execs.pop((node, id_), (0, None))
        process = table.known(pid)
        if process is not None and process.id == id_:
            return process
        # The process has executed again before this event was complete: its present instance is
        # another one.
        return executed if self._is_recent(execution) else None

    def _known(self, table: ProcessTable, node: bytes, pid: bytes) -> Process | None:
        """Returns the instance of `pid`, from the table or else from the system."""
        process = table.current.get(pid) or table.known(pid)
        return self._find(table, node, pid) if process is None else process

    def _find(self, table: ProcessTable, node: bytes, pid: bytes) -> Process | None:
        if self._find_none or node not in (b"", self._options.local_node):
            return None
        found: list[Process] = []
        while len(found) < MAX_ANCESTORS and (process := self._options.find(pid)) is not None:
            found.append(process)
            pid = process.ppid
            if table.known(pid) is not None:
                break
        last = None
        for process in reversed(found):  # parents first, so that their labels are inherited
            last = self._add(table, process)
        return last

    def _add(self, table: ProcessTable, process: Process) -> Process:
        return self._label_exe(table, table.add(process))

    # --- labels and filters

    def _filter(
        self,
        exe: bytes,
        uid: bytes,
        rule_key: bytes,
        process: Process,
        annotation: bytes,
        is_first: bool,
    ) -> tuple[bytes, bytes]:
        """Returns `annotation`, marked if filtered, for this event and for later ones like it."""
        filters = self._options.filters
        filtered = annotation + FILTERED
        if filters.by_process(self._exe(exe), uid, process.services):
            return filtered, filtered
        if not filters.by_rule(self._rule_keys(rule_key), process.labels):
            return annotation, annotation
        return annotation if is_first and filters.keep_first else filtered, filtered

    def _label_exe(self, table: ProcessTable, process: Process) -> Process:
        rules = self._options.labels.exe
        if not self._labels_exe:
            return process
        found = self._exe_labels.get(process.exe)
        if found is None:
            found = rules.of(self._exe(process.exe))
            if len(self._exe_labels) >= MAX_ANSWERS:
                self._exe_labels.clear()
            self._exe_labels[process.exe] = found
        put, take = found
        labels = (process.labels | put) - take
        return process if labels == process.labels else table.change(process, labels=labels)

    def _exe(self, exe: bytes) -> bytes:
        return b"" if exe == b"null" else decode(exe)

    def _rule_keys(self, key: bytes) -> tuple[bytes, ...]:
        """Returns the rule keys of an event; several keys of one rule are one string in it."""
        if key == b"null":
            return ()
        keys = self._keys.get(key)
        if keys is None:
            keys = tuple(decode(key).split(b"\x01"))
            if len(self._keys) >= MAX_ANSWERS:
                self._keys.clear()
            self._keys[key] = keys
        return keys


def check_snapshot(snapshot: bytes) -> None:
    """Raises SnapshotError unless a tracker can continue from `snapshot`."""
    state = check(snapshot, TrackerState)
    for table in state.tables:
        check_table(table)
    check_processes(state.executed)
    if len(state.executed.instances) != len(state.execs):
        raise SnapshotError(f"{len(state.execs)} execs have started other processes")


def _facts(start_time: bytes, container: bytes, services: bytes, is_init: bytes) -> Facts:
    return Facts(start_time, decode(container), _names(services), bool(is_init))


def _with_details(
    table: ProcessTable, process: Process, put: bytes, take: bytes, argv: bytes
) -> Process:
    """Changes labels and command line of `process`; takes both as queries have them."""
    labels = (process.labels | frozenset(_names(put))) - frozenset(_names(take))
    return table.change(process, labels=labels, argv=argv)


def _names(joined: bytes) -> tuple[bytes, ...]:
    return tuple(map(decode, joined.split(b"\x1f"))) if joined else ()


def _order(batch: list[DecodedQueries], keys: array[int]) -> list[int] | None:
    """Returns the order of all queries by key and rank; None if they are in order."""
    if not any(queries.ranks for queries in batch):
        if sum(bool(queries.calls) for queries in batch) <= 1:
            return None
        return sorted(range(len(keys)), key=keys.__getitem__)
    ranks: dict[int, int] = {}
    start = 0
    for queries in batch:
        for index, rank in zip(queries.ranks[::2], queries.ranks[1::2], strict=True):
            ranks[start + index] = rank
        start += len(queries.calls)
    return sorted(range(len(keys)), key=lambda index: (keys[index], ranks.get(index, 0)))

"""Counters of the whole run and of all its processes."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from dataclasses import fields, replace

from laurel_mp import __version__
from laurel_mp.observe import log
from laurel_mp.observe.groups import INPUT, LEDGER, PROCESSES, PROGRAM, TABLES
from laurel_mp.observe.measures import Row, Value
from laurel_mp.observe.register import Register
from laurel_mp.pipeline.counters.accounts import Account, Accounts, ProcessSlot
from laurel_mp.pipeline.counters.meter import UNLIMITED, resident_bytes
from laurel_mp.pipeline.counters.scoreboard import INLINE
from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.pipeline.runner.spawner import FIRST_WORKER
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.pipeline.supervisor.pipeline import Pipeline

INGEST = "ingest"

_TICKS = os.sysconf("SC_CLK_TCK")

_NAMES = ("names_asked", "names_unanswered")
_LOOKUPS = ("lookups", "lookups_gone")
_NOT_FOR = {
    "worker": ("written_bytes",),
    "tracker": ("lines", "written_bytes", *_NAMES),
    "writer": ("lines", *_LOOKUPS, *_NAMES),
}
"""Counters that a kind of process does not have."""


class RunStatistics:
    """Contributes the groups program, ledger, input, processes and tables to the register."""

    def __init__(
        self, register: Register, pipeline: Pipeline, backlog: Backlog, accounts: Accounts
    ) -> None:
        self.arrived = time.monotonic()
        """Arrival time of the latest input that was handed over."""
        self._pipeline = pipeline
        self._backlog = backlog
        self._accounts = accounts
        self._started = time.time()
        self._former = Ledger()
        self._highest = Ledger()
        for group, rows in (
            (PROGRAM, self._program),
            (LEDGER, self._ledger_rows),
            (INPUT, self._input),
            (PROCESSES, self._processes),
            (TABLES, self._tables),
        ):
            register.contribute(group, rows)

    def begin(self, former: Ledger) -> None:
        """Begins a run that continues the counters of former runs."""
        self._former = former

    def ledger(self) -> Ledger:
        """Returns the counters of this run.

        They never go back: during a recovery they stay as they are, and may not balance.
        """
        now = self._pipeline.ledger()
        highest = self._highest
        run = self.run(now)
        for each in fields(run):
            setattr(highest, each.name, max(getattr(highest, each.name), getattr(run, each.name)))
        return replace(highest, in_flight=now.in_flight)

    def run(self, ledger: Ledger) -> Ledger:
        """Returns the part of a ledger that is of this run."""
        return ledger.since(self._former)

    # --- rows

    def _program(self) -> Iterator[Row]:
        pipeline = self._pipeline
        counted = pipeline.statistics()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        row: dict[str, Value] = {
            "version": __version__,
            "start_time_seconds": round(self._started, 3),
            "workers": stage_options.worker_count(pipeline.config),
            "reloads": counted.reloads,
            "recoveries": counted.recoveries,
            "cpu_user_seconds": self._cpu("cpu_user_seconds", usage.ru_utime),
            "cpu_system_seconds": self._cpu("cpu_system_seconds", usage.ru_stime),
            "checkpoints": counted.checkpoints,
            "lines_set_aside": counted.set_aside,
        }
        if pipeline.config.marker:
            row["marker"] = pipeline.config.marker
        yield row

    def _cpu(self, key: str, ours: float) -> float:
        return round(self._accounts.total(key, INGEST) / 1e6 + ours, 6)

    def _ledger_rows(self) -> Iterator[Row]:
        ledger = self.ledger()
        yield {
            "lines": ledger.lines,
            "event_lines": ledger.in_events,
            "filtered_lines": ledger.filtered,
            "end_of_event_lines": ledger.end_of_event,
            "duplicate_lines": ledger.duplicate,
            "malformed_lines": ledger.malformed,
            "lines_in_flight": ledger.in_flight,
            "events": ledger.events,
            "written_events": ledger.written,
            "filtered_events": ledger.filtered_events,
            "incomplete_events": ledger.incomplete,
            "timed_out_events": ledger.timed_out,
            "cut_events": ledger.cut,
            "late_events": ledger.late,
            "events_without_end": ledger.no_eoe,
            "events_without_path": ledger.missing_path,
            "events_without_argument": ledger.missing_args,
            "events_of_only_an_end": ledger.only_end,
            "loss_lines": ledger.loss_lines,
        }

    def _input(self) -> Iterator[Row]:
        pipeline, backlog = self._pipeline, self._backlog.statistics()
        settings = pipeline.config.pipeline
        counted = pipeline.statistics()
        row: dict[str, Value] = {
            "read_bytes": backlog.read_bytes,
            "memory_bytes": backlog.memory_bytes,
            "memory_limit_bytes": self._backlog.limit,
            "spool_bytes": backlog.spool_bytes,
            "spool_limit_bytes": settings.spool_bytes if settings.spool else 0,
            "spooled_bytes": backlog.spooled_bytes,
            "stopped_seconds": round(backlog.stopped_seconds, 3),
            "window_bytes": counted.window_bytes,
            "window_limit_bytes": settings.window_bytes,
            "in_flight_bytes": counted.in_flight_bytes,
            "in_flight_limit_bytes": counted.in_flight_limit,
            "lag_seconds": self._age(pipeline.waiting(0).since) or self._lag_of_ingest(),
            "output_waits": int(bool(pipeline.stalled)),
        }
        if pipeline.stalled:
            row["output_waits_for"] = pipeline.stalled
        yield row

    def _processes(self) -> Iterator[Row]:
        yield self._ingest()
        pids = self._pipeline.pids()
        if "fork-server" in pids:
            yield _fork_server(pids["fork-server"])
        accounts = {member.name: self._accounts.account(member) for member in self._members()}
        workers = [
            account.last_batch for name, account in accounts.items() if name.startswith("worker")
        ]
        decoded = min(workers, default=0)
        for name, account in accounts.items():
            upto = None
            if name == "tracker":
                upto = decoded
            elif name == "writer":
                upto = min(decoded, accounts["tracker"].last_batch)
            row = self._row(name, account)
            if name in pids:
                row["pid"] = pids[name]
                waiting = self._pipeline.waiting(account.last_batch, upto)
                row["queue_batches"], row["queue_bytes"] = waiting.batches, waiting.bytes
                row["lag_seconds"] = self._age(waiting.since)
            yield row

    def _members(self) -> Iterator[ProcessSlot]:
        """Returns the other processes, in the order of the input: workers first."""
        members = (member for member in self._accounts.processes if member.name != INGEST)
        return iter(sorted(members, key=_place))

    def _ingest(self) -> Row:
        account = self._accounts.account(ProcessSlot(INGEST, INLINE))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        backlog = self._backlog.statistics()
        row = self._row(INGEST, account)
        if not account.starts:  # the stages have never run in this process
            row = {"process": INGEST}
        return row | {
            "pid": os.getpid(),
            "lines": self.ledger().lines,
            "cpu_user_seconds": round(usage.ru_utime, 6),
            "cpu_system_seconds": round(usage.ru_stime, 6),
            "memory_bytes": resident_bytes(),
            "queue_batches": backlog.memory_pieces + backlog.spool_pieces,
            "queue_bytes": backlog.memory_bytes + backlog.spool_bytes,
            "lag_seconds": self._lag_of_ingest(),
            "restarts": 0,
            "failures": self._pipeline.statistics().failures.get(INGEST, 0),
            "messages_lost": log.statistics().lost,
        }

    def _row(self, name: str, account: Account) -> dict[str, Value]:
        row: dict[str, Value] = {"process": name}
        unknown = _NOT_FOR.get(name.partition("-")[0], ())
        for key, number in account.numbers.items():
            if key not in unknown:
                row[key] = number / 1e6 if key.endswith("_seconds") else number
        row["restarts"] = max(account.starts - 1, 0)
        row["failures"] = self._pipeline.statistics().failures.get(name, 0)
        return row

    def _lag_of_ingest(self) -> float:
        """Returns the age of the oldest input that is not handed over."""
        now = time.monotonic()
        size, waited = self._backlog.waiting(now)
        if not size:
            return 0.0
        # The spool is younger than the input that was taken last, and older than the backlog.
        return round(max(min(waited, now - self.arrived), 0.0), 3)

    @staticmethod
    def _age(since: float | None) -> float:
        return 0.0 if since is None else round(max(time.monotonic() - since, 0.0), 3)

    def _tables(self) -> Iterator[Row]:
        for name, slot in (ProcessSlot(INGEST, INLINE), *self._members()):
            for table, fill in self._accounts.account(ProcessSlot(name, slot)).tables.items():
                row: dict[str, Value] = {"process": name, "table": table, "entries": fill.entries}
                if fill.limit != UNLIMITED:
                    row["limit"] = fill.limit
                    row["evictions"] = fill.evictions
                yield row


def _place(member: ProcessSlot) -> tuple[bool, int]:
    """Returns a key that sorts processes in the order of the input."""
    is_worker = member.slot >= FIRST_WORKER
    return not is_worker, member.slot if is_worker else -member.slot


def _fork_server(pid: int) -> Row:
    """Returns CPU time and memory of the fork server, which has no counters."""
    row: dict[str, Value] = {"process": "fork-server", "pid": pid}
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - as short as it can be
            user, system = file.read().rpartition(b") ")[2].split()[11:13]
    except (OSError, ValueError):
        return row
    row["cpu_user_seconds"] = int(user) / _TICKS
    row["cpu_system_seconds"] = int(system) / _TICKS
    row["memory_bytes"] = resident_bytes(pid)
    return row

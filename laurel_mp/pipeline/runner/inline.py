"""All stages in ingest itself, called one after another: `workers = 0`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import fields
from operator import attrgetter
from typing import Any

from laurel_mp.config import Config
from laurel_mp.errors import LaurelError
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.outputs.journal import HeldJournal, Journal
from laurel_mp.pipeline.counters import fill_levels
from laurel_mp.pipeline.counters.accounts import Accounts, ProcessSlot
from laurel_mp.pipeline.counters.meter import Meter
from laurel_mp.pipeline.counters.scoreboard import INLINE
from laurel_mp.pipeline.host.host_access import open_system
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.runner.batches import BARRIER, DUMP, ROTATE
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.stage_runner import (
    OnStall,
    StageRunner,
    StageRunnerError,
    StartState,
)
from laurel_mp.pipeline.runner.table_dump import dump
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.stage_messages import Share
from laurel_mp.system import privileges
from laurel_mp.system.huge_pages import HugePages
from laurel_mp.system.process_title import set_main_title

_numbers = attrgetter(
    *(each.name for each in fields(DecoderCounters))
)  # dataclasses.replace is slow
_numbers_given = attrgetter(*(each.name for each in fields(AssemblerCounters)))


class InlineRunner(StageRunner):
    """Runs each batch through all stages in `send`."""

    def __init__(
        self,
        config: Config,
        outputs: Outputs,
        journal: Journal | None,
        on_stall: OnStall,
        *,
        live: bool,
        accounts: Accounts,
    ) -> None:
        self._config = config
        self._outputs = outputs
        self._shared_journal = journal
        self._journal: HeldJournal | None = None
        self._on_stall = on_stall
        self._live = live
        self._accounts = accounts
        self._meter = Meter(accounts.row(INLINE), live=live, own_process=False)
        self._huge_pages = HugePages()
        self._stack = ExitStack()
        self._written = self._written_through = 0
        self._reports: list[wire.Report] = []

    def start(self, state: StartState) -> None:
        """Opens the outputs; raises OutputError if one cannot be used."""
        config = self._config
        if self._shared_journal is not None:
            self._journal = HeldJournal(self._shared_journal)
        self._accounts.begin([ProcessSlot("ingest", INLINE)])
        system = self._stack.enter_context(open_system(config, live=self._live))
        if self._live:
            privileges.become(privileges.Role.INLINE, config)
            set_main_title("ingest, all stages")
        self._system = system
        self._names = system.names if system is not None else None
        self._decoder = stage_options.decoder(config, system)
        snapshots = state.snapshots
        self._tracker = stage_options.tracker(
            config,
            system,
            None if snapshots is None else snapshots.tracker,
            is_restart=state.is_restart,
        )
        self._assembler = stage_options.assembler(config, 0, live=self._live)
        if snapshots is not None:
            (decoder,) = snapshots.decoders
            self._decoder.restore(decoder)
            self._assembler.restore(snapshots.assembler)
        self._lines, self._events = self._decoder.lines, self._decoder.counters.events
        opened = self._outputs.open(self._journal, self._on_stall, again=not state.is_first_start)
        self._opened = self._stack.enter_context(opened)
        self._written_through = max(state.written_through, self._opened.done)
        if self._live:
            self._huge_pages.start()

    def send(self, batch: int, flags: int, shares: list[Share], malformed: bytes) -> None:
        """Runs a batch through all stages and writes it."""
        (share,) = shares
        try:
            if self._names is not None and self._names.refresh(time.monotonic()):
                self._decoder.forget()
            bodies, queries = self._decoder.decode(share)
            (annotations,) = self._tracker.apply([queries])
            merged = self._assembler.merge([bodies], [(queries.base, annotations)])
        except LaurelError:
            raise
        except Exception as error:
            raise StageRunnerError(f"{type(error).__name__}: {error}", batch) from error
        if batch > self._written_through:
            self._opened.tick()
            self._meter.wrote(self._opened.write(batch, merged, malformed))
            self._written = batch
            if flags & ROTATE:
                self._opened.rotate()
        ack = wire.AckMessage(
            batch,
            flags,
            DecoderCounters(*_numbers(self._decoder.counters)),
            self._decoder.in_flight_lines,
            AssemblerCounters(*_numbers_given(self._assembler.counters)),
            self._assembler.losses,
            self._assembler.awaits_clock,
        )
        self._reports.append(ack)
        if flags & DUMP:
            dump(self._tracker.tables)
        if flags & BARRIER:
            self._opened.sync()
            for role, snapshot in (
                ("worker", self._decoder.snapshot()),
                ("tracker", self._tracker.snapshot()),
                ("writer", self._assembler.snapshot()),
            ):
                self._reports.append(wire.SnapshotMessage(batch, role, 0, snapshot))
            if self._live:
                self._huge_pages()
        self._measure(batch, flags)

    def _measure(self, batch: int, flags: int) -> None:
        decoder = self._decoder
        events = decoder.counters.events - self._events
        self._meter.count_batch(batch, decoder.lines - self._lines, events)
        if self._meter.is_due() or flags & BARRIER:
            system = self._system
            sizes = fill_levels.of_decoder(decoder, system) | fill_levels.of_tracker(self._tracker)
            self._meter.measure(
                sizes | fill_levels.of_assembler(self._assembler), fill_levels.host_queries(system)
            )

    def receive(self, timeout_ms: int) -> list[wire.Report]:  # noqa: ARG002 - they are there
        """Returns the reports of the batches that were sent."""
        reports, self._reports = self._reports, []
        return reports

    def stop(self) -> int:
        """Closes the outputs, and gives the journal back."""
        self._stack.close()
        self._accounts.settle()
        if self._journal is None or self._shared_journal is None:
            return self._written
        self._journal.put_back()
        return max(self._outputs.unwritten(self._shared_journal).batch, 0)

    def unwritten(self) -> Any:
        """Returns what the journal holds and the outputs lack, for msgpack."""
        journal = self._journal or self._shared_journal
        return journal and self._outputs.unwritten(journal).to_plain()

    def close(self) -> None:
        """Closes the outputs."""
        self._stack.close()
        self._accounts.settle()

"""The processes around the stages: worker, tracker and writer move messages, the stages decide.

They are children of the fork server. Batches arrive in order on every connection; tracker and
writer collect the messages of a batch until it is complete.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from threading import Thread

import zmq

from laurel_mp.config import Config
from laurel_mp.errors import LaurelError, OutputError
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.pipeline.counters import fill_levels
from laurel_mp.pipeline.counters.meter import Fill, Meter
from laurel_mp.pipeline.host.host_access import System, open_system
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.runner.batches import BARRIER, DUMP, FINAL, ROTATE
from laurel_mp.pipeline.runner.run_outputs import TICK, OpenOutputs, Outputs
from laurel_mp.pipeline.runner.spawner import ProcessSpawner, Task
from laurel_mp.pipeline.runner.table_dump import dump
from laurel_mp.pipeline.runner.wire import Endpoints
from laurel_mp.stages.stage_messages import DecodedQueries, Share
from laurel_mp.system.malloc import GiveBack

LONG_TICK = 60.0
"""Seconds between two checks of the files by an idle writer: each costs a wake-up, and the writer
checks before it writes, too."""

PULSE = 0.5
"""Seconds between two reports of a writer that waits."""

Fills = tuple[Mapping[str, Fill], Mapping[str, int]]
"""Fill level of each table, and counts of queries to this host."""


def run(task: Task, config: Config, spawner: ProcessSpawner) -> None:
    """Runs the role of a child until the final batch."""
    # While a snapshot is restored nothing is garbage, and the collector would scan a growing number
    # of objects again and again.
    gc.disable()
    if task.role == "worker":
        with open_system(config, live=task.live) as system:
            _Worker(task, config, spawner, system).run()
    elif task.role == "tracker":
        with open_system(config, live=task.live, names=False) as system:
            _Tracker(task, config, spawner, system).run()
    else:
        _Writer(task, config, spawner).run()


class _Shell:
    """The parts that all roles have: sockets, scoreboard slot, meter, first snapshot."""

    def __init__(self, task: Task, spawner: ProcessSpawner, fills: Callable[[], Fills]) -> None:
        """`fills` returns how full the tables of the role are, and its counts of host queries."""
        self._task = task
        self._board = spawner.board
        self._slot = spawner.slot(task.role, task.number)
        self._fills = fills
        self.meter = Meter(spawner.board.row(self._slot), live=task.live)
        self.give_back = GiveBack()
        self.endpoints = Endpoints(Path(task.directory))
        self._reports = self.endpoints.connect(zmq.PUSH, "reports")

    def take_snapshot(self) -> bytes | None:
        """Returns the snapshot to start from, and removes its file; None to start empty."""
        path = Path(self._task.directory) / f"{self._task.role}-{self._task.number}.snapshot"
        if not path.exists():
            return None
        snapshot = path.read_bytes()
        path.unlink()
        return snapshot

    def begin_batch(self, batch: int) -> None:
        """Tells ingest which batch this process works on."""
        self._board.set_batch(self._slot, batch)

    def end_batch(self, batch: int, flags: int, lines: int, events: int) -> None:
        """Counts a batch; `lines` and `events` since the start of this process."""
        self.meter.count_batch(batch, lines, events)
        if self.meter.is_due() or flags & BARRIER:
            self.meter.measure(*self._fills())
        self._board.set_batch(self._slot, 0)

    def report(self, message: wire.Report) -> None:
        """Sends a report to ingest."""
        self._reports.send_multipart(wire.encode_report(message))

    def report_snapshot(self, batch: int, snapshot: bytes) -> None:
        """Sends the stage's snapshot behind a batch to ingest."""
        self.report(wire.SnapshotMessage(batch, self._task.role, self._task.number, snapshot))
        self.give_back()


def _resume_collector() -> None:
    """Takes all objects of the first snapshot out of garbage collection: most of them stay."""
    gc.freeze()
    gc.enable()


class _Worker:
    """Decodes one worker's share of each batch."""

    def __init__(
        self, task: Task, config: Config, spawner: ProcessSpawner, system: System | None
    ) -> None:
        self._number = task.number
        self._shell = shell = _Shell(task, spawner, self._fills)
        self._shares = shell.endpoints.connect(zmq.PULL, f"worker-{task.number}")
        self._to_tracker = shell.endpoints.connect(zmq.PUSH, "tracker")
        self._to_writer = shell.endpoints.connect(zmq.PUSH, "writer")
        self._system = system
        self._names = system.names if system is not None else None
        self._decoder = stage_options.decoder(config, system)
        snapshot = shell.take_snapshot()
        if snapshot is not None:
            self._decoder.restore(snapshot)
        self._lines, self._events = self._decoder.lines, self._decoder.counters.events
        _resume_collector()

    def run(self) -> None:
        shell, decoder = self._shell, self._decoder
        flags = 0
        while not flags & FINAL:
            frames = self._shares.recv_multipart()
            batch, flags, share, malformed = wire.decode_share(frames)
            shell.give_back.passed(len(share.blob))
            shell.begin_batch(batch)
            self._decode(batch, flags, share, malformed)
            lines, events = decoder.lines - self._lines, decoder.counters.events - self._events
            shell.end_batch(batch, flags, lines, events)
        shell.endpoints.close()

    def _fills(self) -> Fills:
        return (
            fill_levels.of_decoder(self._decoder, self._system),
            fill_levels.host_queries(self._system),
        )

    def _decode(self, batch: int, flags: int, share: Share, malformed: bytes) -> None:
        decoder, worker = self._decoder, self._number
        if self._names is not None and self._names.refresh(time.monotonic()):
            decoder.forget()
        bodies, queries = decoder.decode(share)
        self._to_tracker.send_multipart(
            wire.encode_queries(wire.QueriesMessage(batch, worker, flags, queries))
        )
        message = wire.BodiesMessage(
            batch,
            worker,
            flags,
            queries.base,
            decoder.counters,
            decoder.in_flight_lines,
            bodies,
            malformed,
        )
        self._to_writer.send_multipart(wire.encode_bodies(message))
        if flags & BARRIER:
            self._shell.report_snapshot(batch, decoder.snapshot())


class _Tracker:
    """Answers the process queries of all workers, batch by batch."""

    def __init__(
        self, task: Task, config: Config, spawner: ProcessSpawner, system: System | None
    ) -> None:
        self._workers = task.workers
        self._shell = shell = _Shell(task, spawner, self._fills)
        self._incoming = shell.endpoints.bind(zmq.PULL, "tracker")
        self._to_writer = shell.endpoints.connect(zmq.PUSH, "writer")
        self._tracker = stage_options.tracker(
            config, system, shell.take_snapshot(), is_restart=task.is_restart
        )
        self._collected: dict[int, dict[int, DecodedQueries]] = {}
        self._system = system
        self._answered = self._tracker.queries
        _resume_collector()

    def run(self) -> None:
        shell = self._shell
        final = False
        while not final:
            batch, worker, flags, queries = wire.decode_queries(self._incoming.recv_multipart())
            of_batch = self._collected.setdefault(batch, {})
            of_batch[worker] = queries
            if len(of_batch) == self._workers:
                shell.begin_batch(batch)
                self._answer(batch, flags)
                shell.end_batch(batch, flags, 0, self._tracker.queries - self._answered)
                final = bool(flags & FINAL)
        shell.endpoints.close()

    def _fills(self) -> Fills:
        return fill_levels.of_tracker(self._tracker), fill_levels.host_queries(self._system)

    def _answer(self, batch: int, flags: int) -> None:
        of_batch = self._collected.pop(batch)
        self._shell.give_back.passed(sum(len(queries.ids) for queries in of_batch.values()))
        annotations = self._tracker.apply([of_batch[each] for each in range(self._workers)])
        message = wire.AnnotationsMessage(batch, annotations)
        self._to_writer.send_multipart(wire.encode_annotations(message))
        if flags & DUMP:
            dump(self._tracker.tables)
        if flags & BARRIER:
            self._shell.report_snapshot(batch, self._tracker.snapshot())


class _Collected:
    """The messages of one batch."""

    def __init__(self) -> None:
        self.bodies: dict[int, wire.BodiesMessage] = {}
        self.annotations: wire.AnnotationsMessage | None = None


class _Writer:
    """Joins the bodies and annotations of each batch, and writes them."""

    def __init__(self, task: Task, config: Config, spawner: ProcessSpawner) -> None:
        self._task = task
        self._journal = spawner.journal
        self._shell = shell = _Shell(task, spawner, self._fills)
        self._incoming = shell.endpoints.bind(zmq.PULL, "writer")
        self._assembler = stage_options.assembler(config, task.workers, live=task.live)
        snapshot = shell.take_snapshot()
        if snapshot is not None:
            self._assembler.restore(snapshot)
        self._collected: dict[int, _Collected] = {}
        self._events = self._assembler.given
        _resume_collector()

    def run(self) -> None:
        outputs = Outputs.of_plain(self._task.outputs)
        again = not self._task.is_first_start
        with outputs.open(self._journal, self._report_stall, again=again) as opened:
            self._written_through = max(self._task.written_through, opened.done)
            final = False
            pause = TICK
            while not final:
                has_message = self._incoming.poll(int(pause * 1000))
                opened.tick()  # before it writes: a file may have been moved
                if not has_message:
                    pause = LONG_TICK if opened.are_files else TICK
                    continue
                pause = TICK
                batch = self._receive()
                if batch is not None:
                    self._shell.begin_batch(batch)
                    final = self._write(batch, opened)
        self._shell.endpoints.close()

    def _receive(self) -> int | None:
        """Takes a message; returns the number of the batch that it completes, if any."""
        frames = self._incoming.recv_multipart()
        if wire.kind_of(frames)[0] is wire.Kind.BODIES:
            bodies = wire.decode_bodies(frames)
            batch = bodies.batch
            found = self._collected.setdefault(batch, _Collected())
            found.bodies[bodies.worker] = bodies
        else:
            annotations = wire.decode_annotations(frames)
            batch = annotations.batch
            found = self._collected.setdefault(batch, _Collected())
            found.annotations = annotations
        is_complete = len(found.bodies) == self._task.workers and found.annotations is not None
        return batch if is_complete else None

    def _write(self, batch: int, opened: OpenOutputs) -> bool:
        found = self._collected.pop(batch)
        assert found.annotations is not None
        messages = [found.bodies[worker] for worker in range(self._task.workers)]
        bases = [message.base for message in messages]
        merged = self._assembler.merge(
            [message.bodies for message in messages],
            list(zip(bases, found.annotations.annotations, strict=True)),
        )
        self._shell.give_back.passed(len(merged[0]))
        flags = messages[0].flags
        if batch > self._written_through:
            size = opened.write(batch, merged, messages[0].malformed)
            self._shell.meter.wrote(size)
            if flags & ROTATE:
                opened.rotate()
        ack = wire.AckMessage(
            batch,
            flags,
            _sum([message.counters for message in messages]),
            sum(message.in_flight for message in messages),
            self._assembler.counters,
            self._assembler.losses,
            self._assembler.awaits_clock,
        )
        self._shell.report(ack)
        if flags & BARRIER:
            self._run_reporting(opened.sync)
            self._shell.report_snapshot(batch, self._assembler.snapshot())
        self._shell.end_batch(batch, flags, 0, self._assembler.given - self._events)
        return bool(flags & FINAL)

    def _fills(self) -> Fills:
        return fill_levels.of_assembler(self._assembler), {}

    def _report_stall(self, reason: str) -> None:
        self._shell.report(wire.StalledMessage(reason))

    def _run_reporting(self, function: Callable[[], None]) -> None:
        """Runs something that may take long; reports a stall every half second meanwhile."""
        thread = Thread(target=function)
        thread.start()
        while thread.is_alive():
            thread.join(PULSE)
            if thread.is_alive():
                self._report_stall("waits for a disk")


def _sum(counters: list[DecoderCounters]) -> DecoderCounters:
    names = [each.name for each in fields(DecoderCounters)]
    return DecoderCounters(*(sum(getattr(one, name) for one in counters) for name in names))


def report_failure(directory: Path, title: str, error: Exception) -> None:
    """Tells ingest why a child ends."""
    endpoints = Endpoints(directory)
    reports = endpoints.connect(zmq.PUSH, "reports")
    is_output = isinstance(error, OutputError)
    is_closed = isinstance(error, OutputError) and error.closed
    text = str(error) if isinstance(error, LaurelError) else f"{type(error).__name__}: {error}"
    message = wire.FailureMessage(title, text, is_output, is_closed)
    reports.send_multipart(wire.encode_report(message))
    endpoints.close()

"""The shells around the stages: each moves messages, and does nothing else.

They run in children of the fork server. Batches come in their order on every connection; what
several processes say about one batch is collected until it is complete.
"""

from __future__ import annotations

import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from threading import Thread

import zmq

from laurel_mp.config import Config
from laurel_mp.errors import LaurelError, OutputError
from laurel_mp.events.reassembly.coalescer import Counters
from laurel_mp.pipeline.counters import fill_levels
from laurel_mp.pipeline.counters.meter import Meter
from laurel_mp.pipeline.host.host_access import System, open_system
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.runner.batches import BARRIER, DUMP, FINAL, ROTATE
from laurel_mp.pipeline.runner.endpoints import Endpoints
from laurel_mp.pipeline.runner.run_outputs import TICK, OpenOutputs, Outputs
from laurel_mp.pipeline.runner.spawner import ProcessSpawner, Task
from laurel_mp.pipeline.runner.table_dump import dump
from laurel_mp.stages.stage_messages import DecodedRows, Share
from laurel_mp.system.malloc import GiveBack

LONG_TICK = 60.0
"""Seconds after which the writer looks after files again when it has nothing to write, and has done
so once. It looks before it writes again, too; and each look costs a wake-up."""

PULSE = 0.5
"""Seconds between the signs of life of a writer that waits."""


def run(task: Task, config: Config, spawner: ProcessSpawner) -> None:
    """Does what a child is there for, until the final batch."""
    # Nothing is garbage while a snapshot becomes objects, and the more there are, the longer the
    # collector would look at all of them, again and again.
    gc.disable()
    if task.role == "worker":
        with open_system(config, live=task.live) as system:
            _Worker(task, config, spawner, system).run()
    elif task.role == "tracker":
        with open_system(config, live=task.live, names=False) as system:
            _Tracker(task, config, spawner, system).run()
    else:
        _Writer(task, config, spawner).run()


class _Role(ABC):
    """What all children have."""

    def __init__(self, task: Task, spawner: ProcessSpawner) -> None:
        self.task = task
        self._board = spawner.board
        self._slot = spawner.slot(task.role, task.number)
        self.meter = Meter(spawner.board.row(self._slot), live=task.live)
        self._give_back = GiveBack()
        self.endpoints = Endpoints(Path(task.directory))
        self._reports = self.endpoints.connect(zmq.PUSH, "reports")

    def snapshot(self) -> bytes | None:
        """What to start with, if it is not the beginning."""
        path = Path(self.task.directory) / f"{self.task.role}-{self.task.number}.snapshot"
        if not path.exists():
            return None
        snapshot = path.read_bytes()
        path.unlink()
        return snapshot

    def ready(self) -> None:
        """What it starts with is there, and most of it will stay."""
        gc.freeze()
        gc.enable()

    def begin(self, batch: int) -> None:
        """Has a batch in hand from now on; 0 for none."""
        self._board.note(self._slot, batch)

    def done(self, batch: int, flags: int, lines: int, events: int) -> None:
        """Has done a batch; lines and events since the start of this process."""
        self.meter.did(batch, lines, events)
        if self.meter.is_due() or flags & BARRIER:
            self.look()
        self.begin(0)

    @abstractmethod
    def look(self) -> None:
        """Notes how large this process and what it remembers is."""

    def report(self, message: wire.Report) -> None:
        """Tells ingest something."""
        self._reports.send_multipart(wire.encode_report(message))

    def report_snapshot(self, batch: int, snapshot: bytes) -> None:
        """Tells ingest what is known behind a batch."""
        self.report(wire.SnapshotMessage(batch, self.task.role, self.task.number, snapshot))
        self._give_back()


class _Worker(_Role):
    """Decodes one worker's shares."""

    def __init__(
        self, task: Task, config: Config, spawner: ProcessSpawner, system: System | None
    ) -> None:
        super().__init__(task, spawner)
        self._shares = self.endpoints.connect(zmq.PULL, f"worker-{task.number}")
        self._to_tracker = self.endpoints.connect(zmq.PUSH, "tracker")
        self._to_writer = self.endpoints.connect(zmq.PUSH, "writer")
        self._system = system
        self._names = system.names if system is not None else None
        self._decoder = stage_options.decoder(config, system)
        snapshot = self.snapshot()
        if snapshot is not None:
            self._decoder.restore(snapshot)
        self._lines, self._events = self._decoder.lines, self._decoder.counters.events
        self.ready()

    def run(self) -> None:
        flags = 0
        while not flags & FINAL:
            frames = self._shares.recv_multipart()
            batch, flags, share, malformed = wire.decode_share(frames)
            self._give_back.passed(len(share.blob))
            self.begin(batch)
            self._decode(batch, flags, share, malformed)
            decoder = self._decoder
            lines, events = decoder.lines - self._lines, decoder.counters.events - self._events
            self.done(batch, flags, lines, events)
        self.endpoints.close()

    def look(self) -> None:
        self.meter.look(
            fill_levels.of_decoder(self._decoder, self._system), fill_levels.asked(self._system)
        )

    def _decode(self, batch: int, flags: int, share: Share, malformed: bytes) -> None:
        decoder, worker = self._decoder, self.task.number
        if self._names is not None and self._names.refresh(time.monotonic()):
            decoder.forget()
        bodies, rows = decoder.decode(share)
        self._to_tracker.send_multipart(
            wire.encode_rows(wire.RowsMessage(batch, worker, flags, rows))
        )
        message = wire.BodiesMessage(
            batch,
            worker,
            flags,
            rows.base,
            decoder.counters,
            decoder.in_flight_lines,
            bodies,
            malformed,
        )
        self._to_writer.send_multipart(wire.encode_bodies(message))
        if flags & BARRIER:
            self.report_snapshot(batch, decoder.snapshot())


class _Tracker(_Role):
    """Answers the rows of all workers, batch by batch."""

    def __init__(
        self, task: Task, config: Config, spawner: ProcessSpawner, system: System | None
    ) -> None:
        super().__init__(task, spawner)
        self._incoming = self.endpoints.bind(zmq.PULL, "tracker")
        self._to_writer = self.endpoints.connect(zmq.PUSH, "writer")
        self._tracker = stage_options.tracker(
            config, system, self.snapshot(), is_restart=task.is_restart
        )
        self._collected: dict[int, dict[int, DecodedRows]] = {}
        self._system = system
        self._rows = self._tracker.rows
        self.ready()

    def run(self) -> None:
        final = False
        while not final:
            batch, worker, flags, rows = wire.decode_rows(self._incoming.recv_multipart())
            of_batch = self._collected.setdefault(batch, {})
            of_batch[worker] = rows
            if len(of_batch) == self.task.workers:
                self.begin(batch)
                self._answer(batch, flags)
                self.done(batch, flags, 0, self._tracker.rows - self._rows)
                final = bool(flags & FINAL)
        self.endpoints.close()

    def look(self) -> None:
        self.meter.look(fill_levels.of_tracker(self._tracker), fill_levels.asked(self._system))

    def _answer(self, batch: int, flags: int) -> None:
        of_batch = self._collected.pop(batch)
        self._give_back.passed(sum(len(rows.who) for rows in of_batch.values()))
        annotations = self._tracker.apply([of_batch[each] for each in range(self.task.workers)])
        message = wire.AnnotationsMessage(batch, annotations)
        self._to_writer.send_multipart(wire.encode_annotations(message))
        if flags & DUMP:
            dump(self._tracker.tables)
        if flags & BARRIER:
            self.report_snapshot(batch, self._tracker.snapshot())


class _Collected:
    """What has come in about a batch."""

    def __init__(self) -> None:
        self.bodies: dict[int, wire.BodiesMessage] = {}
        self.annotations: wire.AnnotationsMessage | None = None


class _Writer(_Role):
    """Writes what all workers and the tracker made of each batch."""

    def __init__(self, task: Task, config: Config, spawner: ProcessSpawner) -> None:
        super().__init__(task, spawner)
        self._journal = spawner.journal
        self._incoming = self.endpoints.bind(zmq.PULL, "writer")
        self._assembler = stage_options.assembler(config, task.workers, live=task.live)
        snapshot = self.snapshot()
        if snapshot is not None:
            self._assembler.restore(snapshot)
        self._collected: dict[int, _Collected] = {}
        self._events = self._assembler.given
        self.ready()

    def run(self) -> None:
        outputs = Outputs.of_plain(self.task.outputs)
        with outputs.open(self._journal, self._held, again=self.task.is_again) as opened:
            self._leave_out = max(self.task.leave_out, opened.done)
            final = False
            pause = TICK
            while not final:
                has_come = self._incoming.poll(int(pause * 1000))
                opened.tick()  # also before anything is written to what was moved meanwhile
                if not has_come:
                    pause = LONG_TICK if opened.are_files else TICK
                    continue
                pause = TICK
                batch = self._receive()
                if batch is not None:
                    self.begin(batch)
                    final = self._write(batch, opened)
        self.endpoints.close()

    def _receive(self) -> int | None:
        """The batch that is complete with the next message, if one is."""
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
        is_complete = len(found.bodies) == self.task.workers and found.annotations is not None
        return batch if is_complete else None

    def _write(self, batch: int, opened: OpenOutputs) -> bool:
        found = self._collected.pop(batch)
        assert found.annotations is not None
        messages = [found.bodies[worker] for worker in range(self.task.workers)]
        bases = [message.base for message in messages]
        merged = self._assembler.merge(
            [message.bodies for message in messages],
            list(zip(bases, found.annotations.annotations, strict=True)),
        )
        self._give_back.passed(len(merged[0]))
        flags = messages[0].flags
        if batch > self._leave_out:
            opened.write(batch, merged, messages[0].malformed)
            self.meter.wrote(merged, messages[0].malformed)
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
        self.report(ack)
        if flags & BARRIER:
            self._patiently(opened.sync)
            self.report_snapshot(batch, self._assembler.snapshot())
        self.done(batch, flags, 0, self._assembler.given - self._events)
        return bool(flags & FINAL)

    def look(self) -> None:
        self.meter.look(fill_levels.of_assembler(self._assembler), {})

    def _held(self, reason: str) -> None:
        self.report(wire.StalledMessage(reason))

    def _patiently(self, do: Callable[[], None]) -> None:
        """Does something that may take long, with signs of life meanwhile."""
        thread = Thread(target=do)
        thread.start()
        while thread.is_alive():
            thread.join(PULSE)
            if thread.is_alive():
                self._held("waits for a disk")


def _sum(counters: list[Counters]) -> Counters:
    names = [each.name for each in fields(Counters)]
    return Counters(*(sum(getattr(one, name) for one in counters) for name in names))


def report_failure(directory: Path, who: str, error: Exception) -> None:
    """Tells ingest why a child cannot go on."""
    endpoints = Endpoints(directory)
    reports = endpoints.connect(zmq.PUSH, "reports")
    output = isinstance(error, OutputError)
    closed = isinstance(error, OutputError) and error.closed
    text = str(error) if isinstance(error, LaurelError) else f"{type(error).__name__}: {error}"
    message = wire.FailureMessage(who, text, output, closed)
    reports.send_multipart(wire.encode_report(message))
    endpoints.close()

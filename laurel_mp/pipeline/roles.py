"""The shells around the stages: each moves messages, and does nothing else.

They run in children of the fork server. Batches come in their order on every connection; what
several processes say about one batch is collected until it is complete.
"""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path

import zmq

from laurel_mp.config import Config
from laurel_mp.errors import LaurelError, OutputError
from laurel_mp.events.coalescer import Counters
from laurel_mp.pipeline import options, wire
from laurel_mp.pipeline.endpoints import Endpoints
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.system import System, open_system
from laurel_mp.stages.messages import DecodedRows


def run_worker(config: Config, directory: Path, worker: int, *, live: bool) -> None:
    """Decodes one worker's shares until the final one."""
    with open_system(config, live=live) as system:
        _decode_shares(config, directory, worker, system)


def _decode_shares(config: Config, directory: Path, worker: int, system: System | None) -> None:
    endpoints = Endpoints(directory)
    shares = endpoints.connect(zmq.PULL, f"worker-{worker}")
    to_tracker = endpoints.connect(zmq.PUSH, "tracker")
    to_writer = endpoints.connect(zmq.PUSH, "writer")
    decoder = options.decoder(config, system)
    final = False
    while not final:
        batch, size, share, malformed = wire.decode_share(shares.recv_multipart())
        final = share.final
        if system is not None and system.names and system.names.refresh(time.monotonic()):
            decoder.forget()
        bodies, rows = decoder.decode(share)
        to_tracker.send_multipart(
            wire.encode_rows(wire.RowsMessage(batch, worker, final, rows)), copy=False
        )
        message = wire.BodiesMessage(
            batch,
            worker,
            size,
            final,
            rows.base,
            decoder.counters,
            decoder.in_flight_lines,
            bodies,
            malformed,
        )
        to_writer.send_multipart(wire.encode_bodies(message), copy=False)
    endpoints.close()


def run_tracker(config: Config, directory: Path, workers: int, *, live: bool) -> None:
    """Answers the rows of all workers, batch by batch, until the final one."""
    with open_system(config, live=live, names=False) as system:
        _answer_rows(config, directory, workers, system)


def _answer_rows(config: Config, directory: Path, workers: int, system: System | None) -> None:
    endpoints = Endpoints(directory)
    incoming = endpoints.bind(zmq.PULL, "tracker")
    to_writer = endpoints.connect(zmq.PUSH, "writer")
    tracker = options.tracker(config, system)
    collected: dict[int, dict[int, DecodedRows]] = {}
    final = False
    while not final:
        batch, worker, is_final, rows = wire.decode_rows(incoming.recv_multipart())
        of_batch = collected.setdefault(batch, {})
        of_batch[worker] = rows
        if len(of_batch) < workers:
            continue
        final = is_final
        del collected[batch]
        annotations = tracker.apply([of_batch[each] for each in range(workers)])
        message = wire.AnnotationsMessage(batch, annotations)
        to_writer.send_multipart(wire.encode_annotations(message), copy=False)
    endpoints.close()


class _Collected:
    """What has come in about a batch."""

    def __init__(self) -> None:
        self.bodies: dict[int, wire.BodiesMessage] = {}
        self.annotations: wire.AnnotationsMessage | None = None


def run_writer(config: Config, directory: Path, workers: int, outputs: Outputs) -> None:
    """Writes what all workers and the tracker made of each batch, until the final one."""
    endpoints = Endpoints(directory)
    incoming = endpoints.bind(zmq.PULL, "writer")
    reports = endpoints.connect(zmq.PUSH, "reports")
    assembler = options.assembler(config, workers)
    collected: dict[int, _Collected] = {}
    final = False
    with outputs.open() as opened:
        while not final:
            frames = incoming.recv_multipart()
            if wire.kind_of(frames)[0] is wire.Kind.BODIES:
                bodies = wire.decode_bodies(frames)
                batch = bodies.batch
                collected.setdefault(batch, _Collected()).bodies[bodies.worker] = bodies
            else:
                annotations = wire.decode_annotations(frames)
                batch = annotations.batch
                collected.setdefault(batch, _Collected()).annotations = annotations
            found = collected[batch]
            if len(found.bodies) < workers or found.annotations is None:
                continue
            del collected[batch]
            messages = [found.bodies[worker] for worker in range(workers)]
            bases = [message.base for message in messages]
            merged = assembler.merge(
                [message.bodies for message in messages],
                list(zip(bases, found.annotations.annotations, strict=True)),
            )
            final = messages[0].final
            opened.write(batch, merged, messages[0].malformed)
            ack = wire.AckMessage(
                batch,
                messages[0].size,
                final,
                _sum([message.counters for message in messages]),
                sum(message.in_flight for message in messages),
                assembler.counters,
            )
            reports.send_multipart(wire.encode_ack(ack))
    endpoints.close()


def _sum(counters: list[Counters]) -> Counters:
    names = [each.name for each in fields(Counters)]
    return Counters(*(sum(getattr(one, name) for one in counters) for name in names))


def report_failure(directory: Path, who: str, error: Exception) -> None:
    """Tells ingest why a child can not go on."""
    endpoints = Endpoints(directory)
    reports = endpoints.connect(zmq.PUSH, "reports")
    closed = isinstance(error, OutputError) and error.closed
    text = str(error) if isinstance(error, LaurelError) else f"{type(error).__name__}: {error}"
    reports.send_multipart(wire.encode_failure(wire.FailureMessage(who, text, closed)))
    endpoints.close()

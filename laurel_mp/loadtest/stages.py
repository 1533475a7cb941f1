"""Measure each stage alone: `python -m laurel_mp.loadtest.stages FILE`.

The stages run one after another in this process, batch by batch, with the messages that they would
send, and as many checkpoints as a plugin that has much to do would make: what is counted for each
is the CPU time of its process, but for the transport. Nothing
runs beside it, so the figures do not depend on the number of CPUs here; what they come to with more
CPUs is a model. LAUREL, if it is there, runs in turn with them.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from laurel_mp.config import Config
from laurel_mp.loadtest.bench.candidates import Mode, peer
from laurel_mp.loadtest.bench.runs import run
from laurel_mp.loadtest.bench.workloads import Workload
from laurel_mp.loadtest.growth import EVENTS, Costs, best
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.supervisor.start import COLLECTOR_THRESHOLDS

BATCH = 1 << 20

MACHINES = (4, 16, 64)
"""CPUs of the machines that the model is asked about."""

Result = TypeVar("Result")


def batches(capture: bytes) -> Iterator[tuple[int, bytes]]:
    """The capture in batches of whole lines, each with its position."""
    start = 0
    while start < len(capture):
        end = capture.find(b"\n", min(start + BATCH, len(capture)) - 1) + 1
        end = end or len(capture)
        yield start, capture[start:end]
        start = end


class Pipeline:
    """All stages with their messages, and the CPU seconds that each role has taken."""

    def __init__(self, workers: int) -> None:
        config = Config()
        self.workers = workers
        self._router = stage_options.router(config, workers)
        self._decoders = [stage_options.decoder(config) for _ in range(workers)]
        self._tracker = stage_options.tracker(config)
        self._assembler = stage_options.assembler(config, workers)
        self._period = config.pipeline.window_bytes * 3 // 4
        self._uncovered = 0
        self.seconds = dict.fromkeys(("ingest", "decoding", "tracker", "writer"), 0.0)

    def _timed(self, role: str, work: Callable[[], Result]) -> Result:
        start = time.process_time()
        result = work()
        self.seconds[role] += time.process_time() - start
        return result

    def take(self, number: int, position: int, chunk: bytes) -> None:
        """Takes a batch through all stages."""
        shares = self._timed("ingest", lambda: self._route(number, position, chunk))
        decoded = [
            self._timed("decoding", lambda: self._decode(worker, frames))  # noqa: B023 - at once
            for worker, frames in enumerate(shares)
        ]
        queries = [frames for frames, _ in decoded]
        answers = self._timed("tracker", lambda: self._answer(number, queries))
        self._timed("writer", lambda: self._merge([frames for _, frames in decoded], answers))
        self._uncovered += len(chunk)
        if self._uncovered >= self._period:
            self._uncovered = 0
            self._timed("decoding", lambda: [decoder.snapshot() for decoder in self._decoders])
            self._timed("tracker", self._tracker.snapshot)
            self._timed("writer", self._assembler.snapshot)

    def _route(self, number: int, position: int, chunk: bytes) -> list[wire.Frames]:
        shares = self._router.route(chunk, position).shares
        return [wire.encode_share(wire.ShareMessage(number, 0, share, b"")) for share in shares]

    def _decode(self, worker: int, frames: wire.Frames) -> tuple[wire.Frames, wire.Frames]:
        number, flags, share, malformed = wire.decode_share(frames)
        decoder = self._decoders[worker]
        bodies, queries = decoder.decode(share)
        message = wire.BodiesMessage(
            number, worker, flags, queries.base, decoder.counters, 0, bodies, malformed
        )
        asked = wire.QueriesMessage(number, worker, flags, queries)
        return wire.encode_queries(asked), wire.encode_bodies(message)

    def _answer(self, number: int, messages: list[wire.Frames]) -> wire.Frames:
        queries = [wire.decode_queries(frames).queries for frames in messages]
        return wire.encode_annotations(
            wire.AnnotationsMessage(number, self._tracker.apply(queries))
        )

    def _merge(self, messages: list[wire.Frames], answers: wire.Frames) -> None:
        bodies = [wire.decode_bodies(frames) for frames in messages]
        annotations = wire.decode_annotations(answers).annotations
        bases = [message.base for message in bodies]
        self._assembler.merge(
            [message.bodies for message in bodies], list(zip(bases, annotations, strict=True))
        )

    def costs(self) -> Costs:
        """What an event has cost."""
        each = {role: EVENTS * spent for role, spent in self.seconds.items()}
        events = max(self._assembler.counters.events, 1)
        return Costs(self.workers, *(spent / events for spent in each.values()))


def measure(capture: bytes, workers: int) -> Costs:
    """Takes a whole capture through all stages."""
    gc.set_threshold(*COLLECTOR_THRESHOLDS)  # as in the processes that do this for real
    pipeline = Pipeline(workers)
    for number, (position, chunk) in enumerate(batches(capture)):
        pipeline.take(number, position, chunk)
    return pipeline.costs()


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.stages", description=__doc__)
    parser.add_argument("capture", type=Path, metavar="FILE", help="what auditd wrote, unpacked")
    parser.add_argument("--workers", default="1,2,4,8", help="worker counts (default: 1,2,4,8)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer", default="laurel", help="the LAUREL to compare with")
    given = parser.parse_args(arguments)
    capture = given.capture.read_bytes()
    counts = [int(count) for count in given.workers.split(",")]
    runs: dict[int, list[Costs]] = {count: [] for count in counts}
    peers: list[float] = []
    for _ in range(given.runs):
        if shutil.which(given.peer):
            peers.append(_peer_cost(given.capture, given.peer))
        for count in counts:
            runs[count].append(measure(capture, count))
    medians = [Costs(*map(statistics.median, zip(*found, strict=True))) for found in runs.values()]
    _show(medians, given.peer, statistics.median(peers) if peers else None)
    return 0


def _show(measured: list[Costs], peer_name: str, peer_cost: float | None) -> None:
    write = sys.stdout.write
    write("CPU time for an event, µs\n")
    write(f"{'workers':>8} {'ingest':>8} {'workers':>8} {'tracker':>8} {'writer':>8} {'all':>8}\n")
    for costs in measured:
        parts = (costs.ingest, costs.decoding, costs.tracker, costs.writer, costs.total)
        write(f"{costs.workers:8.0f} " + " ".join(f"{part:8.2f}" for part in parts) + "\n")
    if peer_cost is not None:
        write(f"{peer_name:>8}{peer_cost:45.2f}\n")
    write("Model, without transport, each CPU as fast as these here\n")
    for cpus in MACHINES:
        found = best(measured, cpus)
        write(
            f"{cpus:4} CPUs: at most {found.events:8.0f} events/s "
            f"with {found.workers:.0f} workers; limit: {found.limit}\n"
        )


def _peer_cost(capture: Path, program: str) -> float:
    """CPU microseconds for an event."""
    with tempfile.TemporaryDirectory() as directory:
        measured = run(peer(program), Workload.of(capture), Mode.CONVERT, Path(directory))
    return EVENTS * measured.cpu / measured.events


if __name__ == "__main__":
    sys.exit(main())

"""Measure each stage alone: `python -m laurel_mp.loadtest.stages FILE`.

The four stages run one after another in this process, each over the whole capture, so that the
time of each is its own. LAUREL, if it is there, runs in turn with them: its events per second
are what a single process of another kind does on the same machine in the same minutes.
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
from laurel_mp.pipeline import options
from laurel_mp.pipeline.start import COLLECTOR_THRESHOLDS
from laurel_mp.stages.messages import Share

BATCH = 1 << 20

Result = TypeVar("Result")


def batches(capture: bytes) -> Iterator[tuple[int, bytes]]:
    """The capture in batches of whole lines, each with its position."""
    start = 0
    while start < len(capture):
        end = capture.find(b"\n", min(start + BATCH, len(capture)) - 1) + 1
        end = end or len(capture)
        yield start, capture[start:end]
        start = end


def run_stages(capture: bytes) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds of CPU time that each stage took, and how many things each has done."""
    gc.set_threshold(*COLLECTOR_THRESHOLDS)  # as in the processes that do this for real
    config = Config()
    router, decoder = options.router(config, 1), options.decoder(config)
    tracker, assembler = options.tracker(config), options.assembler(config, 1)
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Result]) -> Result:
        gc.collect()
        start = time.process_time()
        result = work()
        seconds[stage] = time.process_time() - start
        return result

    chunks = list(batches(capture))
    routed = timed("router", lambda: [router.route(chunk, at) for at, chunk in chunks])
    shares: list[Share] = [batch.shares[0] for batch in routed]
    decoded = timed("decoder", lambda: [decoder.decode(share) for share in shares])
    answers = timed("tracker", lambda: [tracker.apply([each.rows])[0] for each in decoded])
    pairs = list(zip(decoded, answers, strict=True))
    timed(
        "assembler",
        lambda: [assembler.merge([one.bodies], [(one.rows.base, found)]) for one, found in pairs],
    )
    counts = {
        "router": router.counters.lines,
        "decoder": decoder.counters.events,
        "tracker": tracker.rows,
        "assembler": assembler.counters.events,
    }
    return seconds, counts


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.stages", description=__doc__)
    parser.add_argument("capture", type=Path, metavar="FILE", help="what auditd wrote, unpacked")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", default="laurel", help="the LAUREL to compare with")
    given = parser.parse_args(arguments)
    capture = given.capture.read_bytes()
    runs: list[dict[str, float]] = []
    peer_rates: list[float] = []
    for _ in range(given.runs):
        if shutil.which(given.peer):
            peer_rates.append(_peer_rate(given.capture, given.peer))
        seconds, counts = run_stages(capture)
        runs.append(seconds)
    peer_rate = statistics.median(peer_rates) if peer_rates else 0.0
    things = {"router": "lines", "decoder": "events", "tracker": "rows", "assembler": "events"}
    for stage, what in things.items():
        rate = counts[stage] / statistics.median(run[stage] for run in runs)
        ratio = f"{rate / peer_rate:8.1f} times {given.peer}'s events/s" if peer_rate else ""
        sys.stdout.write(f"{stage:10} {rate:12.0f} {what}/s {ratio}\n")
    if peer_rate:
        sys.stdout.write(f"{given.peer:10} {peer_rate:12.0f} events/s\n")
    return 0


def _peer_rate(capture: Path, program: str) -> float:
    """Events per second of CPU time."""
    with tempfile.TemporaryDirectory() as directory:
        measured = run(peer(program), Workload.of(capture), Mode.CONVERT, Path(directory))
    return measured.events / measured.cpu


if __name__ == "__main__":
    sys.exit(main())

"""Runs a benchmark: makes workloads, measures candidates, removes files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from laurel_mp.errors import OutputError
from laurel_mp.loadtest.bench.bench_report import Report
from laurel_mp.loadtest.bench.machine import Machine
from laurel_mp.loadtest.bench.turns import Begin, BenchPlan, measure
from laurel_mp.loadtest.bench.workloads import Workload
from laurel_mp.loadtest.flood import Flood
from laurel_mp.loadtest.flood import Options as FloodOptions
from laurel_mp.loadtest.replay import Options as ReplayOptions
from laurel_mp.loadtest.replay import Replay

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - files are made in a new directory of mode 0700

ROOM = 2 << 30
"""Free bytes in memory that are needed to put files there by default."""

Source = Callable[[Path], Workload]
"""Makes a workload with files in a directory. Raises InputError."""


def of_file(path: Path) -> Source:
    """Returns a file of records as it is."""
    return lambda directory: Workload.unpacked(path, directory)


def of_nothing() -> Source:
    """Returns an empty input."""
    return lambda _: Workload.nothing()


def of_replay(path: Path, lines: int) -> Source:
    """Returns a capture that is repeated until it has so many lines, with new ids and times."""
    replay = Replay([str(path)], ReplayOptions(speed=None, lines=lines))
    name = f"replay of {path.name}"
    return lambda directory: Workload.written(replay.pieces(), directory / "replay", name)


def of_flood(options: FloodOptions) -> Source:
    """Returns a synthetic stream."""
    name = f"flood, unique {options.unique:g}"
    return lambda directory: Workload.written(Flood(options).chunks(), directory / "flood", name)


def run_benchmark(
    plan: BenchPlan, sources: Sequence[Source], parent: Path | None, begin: Begin
) -> Report:
    """Runs a plan; files go below `parent`, or into memory if there is room. Raises LaurelError.

    No process and no file is left, however it ends.
    """
    machine = Machine.here()  # first, so that the load is that of others
    versions = {each.name: each.version() for each in plan.candidates if each.program is not None}
    results = []
    try:
        directory = Path(tempfile.mkdtemp(prefix="laurel-mp-bench-", dir=parent or _memory()))
    except OSError as error:
        raise OutputError(f"{error.filename}: {error.strerror}") from None
    try:
        for number, source in enumerate(sources):
            begin("making a workload")
            place = directory / str(number)
            place.mkdir()
            results.append(measure(plan, source(place), directory, begin))
            shutil.rmtree(place)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return Report(machine, versions, results)


def _memory() -> Path | None:
    with suppress(OSError):
        if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free >= ROOM:
            return IN_MEMORY
    return None

"""Runs all chaos tests at full length, and prints figures: `python3 -m tests.chaos`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.offline import Expected, convert
from tests.chaos.outputs import dying_program, full_disk, pausing_fifo, restarting_server
from tests.chaos.poison import poisonous_events, poisonous_lines
from tests.chaos.restart import killed, terminated
from tests.chaos.run import run
from tests.chaos.stall import LINES_A_SECOND, stalled_output
from tests.chaos.stream import make


def chaos(options: argparse.Namespace) -> None:
    """Disturbances of all kinds."""
    until, seed = time.monotonic() + 60 * options.minutes, options.seed
    while seed == options.seed or time.monotonic() < until:
        expected = convert(make(options.lines, seed))
        for workers in options.workers:
            with _kept_on_failure() as directory:
                report = run(
                    expected,
                    directory,
                    workers=workers,
                    seed=seed,
                    disturbances=options.disturbances,
                    rate=options.rate,
                    worker_counts=options.workers,
                )
            print(report, *report.recoveries, sep="\n", flush=True)
        seed += 1


def outputs(options: argparse.Namespace) -> None:
    """Outputs that fail."""
    expected = _stream(options)
    for workers in (0, *options.workers):
        with _kept_on_failure() as directory:
            times = full_disk(expected, directory, workers)
        print(f"{workers} workers: disk was full {times} times", flush=True)
        with _kept_on_failure() as directory:
            times = dying_program(expected, directory, workers, 1.0)
        print(f"{workers} workers: {times} programs read the output", flush=True)
        with _kept_on_failure() as directory:
            times = restarting_server(expected, directory, workers, 2.0)
        print(f"{workers} workers: {times} connections to the server", flush=True)
        with _kept_on_failure() as directory:
            pausing_fifo(expected, directory, workers, 10.0)
        print(f"{workers} workers: reader of the FIFO paused for 10 s", flush=True)


def stall(options: argparse.Namespace) -> None:
    """A minute without a reader of the output."""
    expected = convert(make(60 * LINES_A_SECOND, options.seed))
    for workers in (0, *options.workers):
        with _kept_on_failure() as directory:
            longest = stalled_output(expected, directory, workers)
        print(
            f"{workers} workers: output stalled for a minute, {LINES_A_SECOND} lines/s came in; "
            f"a line took {longest * 1000:.1f} ms to send at most",
            flush=True,
        )


def restart(options: argparse.Namespace) -> None:
    """Plugins that end early."""
    expected = _stream(options)
    with _kept_on_failure() as directory:
        terminated(expected, directory)
    print("ended by SIGTERM three times: nothing is missing", flush=True)
    for workers in (0, *options.workers):
        with _kept_on_failure() as directory:
            missing = killed(expected, directory, workers)
        print(f"{workers} workers: ended by SIGKILL, {missing} events are missing", flush=True)


def poison(options: argparse.Namespace) -> None:
    """Lines that kill workers."""
    expected = _stream(options)
    for workers in options.workers:
        for scenario in (poisonous_lines, poisonous_events):
            with _kept_on_failure() as directory:
                scenario(expected, directory, workers)
        print(f"{workers} workers: poisonous lines and events are put aside", flush=True)


def _stream(options: argparse.Namespace) -> Expected:
    return convert(make(options.lines, options.seed))


@contextmanager
def _kept_on_failure() -> Iterator[Path]:
    """A new directory, which stays if the block fails."""
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        yield directory
    except BaseException as error:
        error.add_note(f"its files: {directory}")
        raise
    shutil.rmtree(directory)

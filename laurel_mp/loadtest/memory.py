"""Memory under load: `python -m laurel_mp.loadtest.memory CAPTURE --lines 10000000`.

A capture goes in again and again with new ids, as fast as it is taken, and every few seconds it is
noted how much memory all processes of the plugin take together, a page that several share once.
"""

from __future__ import annotations

import argparse
import lzma
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.loadtest.live import live_plugin
from laurel_mp.loadtest.rounds import repeat
from laurel_mp.pipeline.supervisor.checkpoint_schedule import LONGEST_PERIOD

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """How it stood at one moment."""

    lines: int
    """Lines that went in."""
    seconds: float
    memory: int
    """Bytes of all processes together."""
    processes: dict[str, int]


def measure(
    capture: bytes, workers: str, lines: int, samples: int, *, move_pids: bool
) -> list[Sample]:
    """Runs the plugin with so many lines; one sample at the start, `samples` on the way."""
    found = []
    with live_plugin(workers) as plugin:
        start = time.monotonic()

        def sample(number: int) -> None:
            memory, names = plugin.memory(), plugin.processes()
            found.append(
                Sample(
                    number,
                    time.monotonic() - start,
                    sum(memory.values()),
                    {f"{names[pid]} ({pid})": size for pid, size in memory.items()},
                )
            )

        sample(0)
        sent = 0
        for text in repeat(capture, lines, move_pids=move_pids):
            plugin.stdin.sendall(text)
            before = sent
            sent += text.count(b"\n")
            if sent * samples // lines > before * samples // lines:
                sample(sent)
        plugin.await_rest(120.0)
        time.sleep(LONGEST_PERIOD)  # memory is given back behind the last checkpoints
        sample(sent)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.memory", description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--workers", default="0,2")
    parser.add_argument("--move-pids", action="store_true")
    options = parser.parse_args(arguments)
    capture = options.capture.read_bytes()
    if options.capture.suffix == ".xz":
        capture = lzma.decompress(capture)
    for workers in options.workers.split(","):
        found = measure(
            capture,
            workers,
            options.lines,
            options.samples,
            move_pids=options.move_pids,
        )
        sys.stdout.write(f"-w {workers}\n")
        for each in found:
            processes = (
                f"{name.partition(' (')[0]} {size / _MIB:.1f}"
                for name, size in each.processes.items()
            )
            sys.stdout.write(
                f"{each.lines:>10} lines {each.seconds:7.1f} s {each.memory / _MIB:7.1f} MiB: "
                f"{', '.join(processes)}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure our offline conversion beside LAUREL's: `python -m laurel_mp.loadtest.compare FILE`.

All candidates get the same input and the same features, one after another in each round, so that
what else the machine does meets all of them alike.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

# What LAUREL does by default, but for /proc: the processes of a capture are not those of this
# machine. LAUREL ignores the keys that it does not know.
_CONFIG = """\
directory = "{directory}"
[auditlog]
file = "audit.log"
size = 1000000000000
generations = 1
[transform]
execve-argv = ["array"]
[translate]
universal = false
user-db = false
[enrich]
execve-env = []
container = false
script = false
pid = true
parent-info = false
spawned-by = false
systemd = false
user-groups = false
"""


class RunError(Exception):
    """A candidate ended with an error, so there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the programs that are measured."""

    name: str
    command: Sequence[str | Path]
    output: Path
    reads_stdin: bool = False


@dataclass(slots=True)
class Timings:
    """What the runs of a candidate took, in seconds, in the order of the runs."""

    events: int = 0
    """Lines in the output of the last run: equal work gives equal numbers."""
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """User and system time of all processes of the run."""


def candidates(
    capture: Path, directory: Path, peer: str, workers: Sequence[int]
) -> list[Candidate]:
    """Write the common configuration below `directory` and list who is measured, the peer first."""
    config = directory / "config.toml"
    config.write_text(_CONFIG.format(directory=directory))
    output = directory / "converted.log"
    ours: list[str | Path] = [
        sys.executable,
        "-m",
        "laurel_mp",
        "convert",
        "-c",
        config,
        "-o",
        output,
    ]
    return [
        Candidate(peer, [peer, "-c", config], directory / "audit.log", reads_stdin=True),
        *(Candidate(f"convert -w {n}", [*ours, "-w", str(n), capture], output) for n in workers),
    ]


def measure(runners: Sequence[Candidate], capture: Path, runs: int) -> dict[str, Timings]:
    """Run all candidates in turn, again and again; the first round only warms the caches."""
    timings = {candidate.name: Timings() for candidate in runners}
    for number in range(runs + 1):
        for candidate in runners:
            wall, cpu = _run(candidate, capture)
            taken = timings[candidate.name]
            taken.events = _take_lines(candidate.output)
            if number:
                taken.wall.append(wall)
                taken.cpu.append(cpu)
    return timings


def _run(candidate: Candidate, capture: Path) -> tuple[float, float]:
    """Run a candidate once; its wall time, and the CPU time of it and of all children it reaped."""
    with tempfile.TemporaryFile() as errors, capture.open("rb") as stdin:
        start = time.perf_counter()
        process = subprocess.Popen(
            candidate.command,
            stdin=stdin if candidate.reads_stdin else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            raise RunError(f"{candidate.name}: exit status {process.returncode}\n{said}")
    return wall, usage.ru_utime + usage.ru_stime


def _take_lines(output: Path) -> int:
    """Count the lines of an output and remove it: each run starts without one."""
    with output.open("rb") as file:
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    output.unlink()
    return lines


def table(timings: dict[str, Timings]) -> str:
    """Medians, spread, and how the medians compare with the peer's, which is the first row."""
    peer = next(iter(timings.values()))
    rows = [("", "events", "wall s", "min - max", "/ peer", "CPU s", "min - max", "/ peer")]
    rows += [
        (name, str(taken.events), *_columns(taken.wall, peer.wall), *_columns(taken.cpu, peer.cpu))
        for name, taken in timings.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    )


def _columns(taken: Sequence[float], peer: Sequence[float]) -> tuple[str, str, str]:
    median = statistics.median(taken)
    return (
        f"{median:.2f}",
        f"{min(taken):.2f} - {max(taken):.2f}",
        f"{median / statistics.median(peer):.2f}",
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.compare", description=__doc__)
    parser.add_argument("capture", type=Path, metavar="FILE", help="what auditd wrote, unpacked")
    parser.add_argument("--runs", type=int, default=5, help="after one that does not count")
    parser.add_argument(
        "--workers",
        type=lambda text: [int(number) for number in text.split(",")],
        default=[0, 1, 2],
        metavar="N,…",
        help="worker counts to measure",
    )
    parser.add_argument("--peer", default="laurel", help="the LAUREL to compare with")
    parser.add_argument(
        "--dir",
        type=Path,
        metavar="DIRECTORY",
        help="where outputs go: in memory, such as on /dev/shm, no disk is measured",
    )
    parser.add_argument("--json", action="store_true", help="print every single measurement")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if shutil.which(options.peer) is None:
        parser.error(f"{options.peer} is not installed")

    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        runners = candidates(options.capture, Path(directory), options.peer, options.workers)
        try:
            timings = measure(runners, options.capture, options.runs)
        except (RunError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
    if options.json:
        text = json.dumps({name: asdict(taken) for name, taken in timings.items()}, indent=2)
    else:
        text = table(timings)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

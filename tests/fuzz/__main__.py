"""`python3 -m tests.fuzz [TARGET ...] --minutes M`: look for inputs that break a property.

Each target has a process of its own, as many at a time as there are CPUs, and they give way to
all others (nice 19). What they keep stands below `.fuzz/TARGET/`: `corpus` grows from run to run,
`findings` holds inputs that broke the property, `log` says how. `--input FILE` shows it once more.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import environment

KEPT = environment.ROOT / ".fuzz"
TARGETS = ("headers", "records", "streams", "configurations", "states", "snapshots")


def main() -> int:
    """Runs targets, prints the result of each, and returns 1 if something was found."""
    arguments = _arguments()
    environment.prepare()
    if arguments.input is not None:
        (target,) = arguments.targets
        return environment.run(*_child(target), "--input", arguments.input)
    targets = list(dict.fromkeys(arguments.targets or TARGETS))
    jobs = min(arguments.jobs, len(targets))
    seconds = max(1, round(60 * arguments.minutes * jobs / len(targets)))
    with ThreadPoolExecutor(jobs) as pool:
        found = [pool.submit(fuzz, each, seconds, arguments.seed) for each in targets]
        return max(each.result() for each in found)


def fuzz(target: str, seconds: int, seed: int) -> int:
    """Run one target to its end."""
    directory = KEPT / target
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "log"
    limits = ("--directory", directory, "--seconds", str(seconds), "--seed", str(seed))
    with log.open("wb") as output:
        status = subprocess.run(
            [environment.BIN / "python", *_child(target)[1:], *limits],
            cwd=environment.ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.nice(19),
            check=False,
        ).returncode
    text = log.read_text(errors="replace")
    runs = re.findall(r"stat::number_of_executed_units: *([0-9]+)", text)
    covered = re.findall(r" cov: ([0-9]+) ", text)
    print(f"{target}: {runs[-1] if runs else '?'} inputs", end="")
    print(f", {covered[-1]} places covered" if covered else "", end="")
    if status == 0:
        print(", nothing found", flush=True)
        return 0
    written = re.findall(r"Test unit written to (.*)", text)
    print(f"; exit status {status}: see {_short(log)}", flush=True)
    for path in written:
        print(f"    python3 -m tests.fuzz {target} --input {_short(Path(path))}", flush=True)
    return 1


def _child(target: str) -> tuple[str, ...]:
    return ("python", "-m", "tests.fuzz.child", target)


def _short(path: Path) -> str:
    return os.path.relpath(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=0, help="of chance; 0: another one each time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--input", type=Path, metavar="FILE", help="check this one input only")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if arguments.input is not None and len(arguments.targets) != 1:
        parser.error("--input needs the one target that the input is for")
    return arguments


if __name__ == "__main__":
    sys.exit(main())

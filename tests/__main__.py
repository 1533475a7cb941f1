"""`python3 -m tests [TIER ...] [PYTEST ARGUMENTS]`: every check of the project, on a bare Python.

The tiers run at the same time: most of `system` waits for other processes. Output of the first one
with tests is shown at once, that of the others when they have ended, and a last line has the sums.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests import environment

LINT = """\
status=0
for check in "ruff check" "ruff format --check" mypy; do
    echo "-- $check"
    $check || status=1
done
exit $status
"""

SYSTEM = (
    "tests/chaos",
    "tests/cli",
    "tests/deploy",
    "tests/differential",
    "tests/documentation",
    "tests/end_to_end",
    "tests/fuzz",
    "tests/outputs/test_killed.py",
    "tests/stories",
    "tests/test_analysis.py",
    "tests/test_interpreters.py",
    "tests/test_tiers.py",
)
"""Tests that start programs: ours as users do, auditd, installers, shippers. A worker of this tier
imports no others, and so is small when it forks."""

TIERS = {
    # Neighbours share what they have converted, and end up on the same worker.
    "unit": ("--dist=worksteal", *(f"--ignore={path}" for path in SYSTEM)),
    # Groups stay together: see conftest.py.
    "system": ("--dist=loadscope", *SYSTEM),
}

COVERAGE = ("--cov=laurel_mp", "--cov-fail-under=82")
"""Branch coverage, of the tests that need no other process: to measure processes that they start
took as much time as the tests, and told nothing that a test of theirs does not."""

NO_TESTS = 5
"""Exit status of pytest where no test was picked."""

_SUMMARY = re.compile(r"=+ (?:\x1b\[[0-9;]*m)*(.*) in [0-9.]+s")
_OUTCOMES = ("failed", "error", "errors", "passed", "skipped", "xfailed", "xpassed")
_COUNT = re.compile(rf"(\d+) ({'|'.join(_OUTCOMES)})\b")


class Job:
    """A command that runs beside others; what it prints is kept, or shown at once."""

    def __init__(self, name: str, command: Sequence[str], *, live: bool) -> None:
        self.name = name
        self._live = live
        self._kept: list[bytes] = []
        self._process = environment.start(*command, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait(self) -> int:
        """Exit status of the command, once it has ended; all that it has printed is shown."""
        status = self._process.wait()
        self._reader.join()
        if not self._live:
            print(f"\n== {self.name}", flush=True)
            _show(self._output)
        return status

    def counts(self) -> Counter[str]:
        """Numbers of tests by outcome, from the last summary of pytest."""
        text = self._output.decode(errors="replace")
        lines = [line for line in text.splitlines() if _SUMMARY.search(line)]
        found = _COUNT.findall(lines[-1]) if lines else []
        return Counter({outcome: int(number) for number, outcome in found})

    @property
    def _output(self) -> bytes:
        return b"".join(self._kept)

    def _read(self) -> None:
        assert self._process.stdout
        while data := os.read(self._process.stdout.fileno(), 1 << 16):
            self._kept.append(data)
            if self._live:
                _show(data)
        self._process.stdout.close()


def main(arguments: list[str]) -> int:
    """Run the tiers that are named, or all, or those tests that are picked by their path."""
    environment.prepare()
    begin = time.monotonic()
    tiers = [each for each in arguments if each in ("lint", *TIERS)]
    options = [each for each in arguments if each not in tiers]
    picked = [each for each in options if Path(each.partition("::")[0]).exists()]
    if picked and not tiers:
        commands = {"picked": _pytest("--dist=loadscope", *options)}
    else:
        cover = () if options else COVERAGE
        commands = {
            tier: _pytest(*(cover if tier == "unit" else ()), *where, *options)
            for tier, where in TIERS.items()
            if tier in tiers or not tiers
        }
    first = next(iter(commands), "lint")
    if "lint" in tiers or not tiers:
        commands["lint"] = ("sh", "-c", LINT)

    print(f"== {first}; at the same time: {', '.join(commands.keys() - {first}) or 'nothing'}")
    jobs = [Job(name, command, live=name == first) for name, command in commands.items()]
    statuses = {job.name: job.wait() for job in jobs}

    counts = sum((job.counts() for job in jobs), Counter[str]())
    failed = [name for name, status in statuses.items() if status not in (0, NO_TESTS)]
    if NO_TESTS in statuses.values() and not counts:
        failed.append("no tests")
    if failed:
        print(f"== FAILED: {', '.join(failed)}")
    outcomes = [f"{counts[each]} {each}" for each in _OUTCOMES if counts[each]]
    print(f"== {', '.join(outcomes) or 'no tests'} in {time.monotonic() - begin:.0f} s ==")
    return bool(failed)


def _pytest(*arguments: str) -> tuple[str, ...]:
    """The command of one run, on as many workers as there are processors."""
    processors = len(os.sched_getaffinity(0))
    color = f"--color={'yes' if sys.stdout.isatty() else 'no'}"
    return ("pytest", color, "--durations=20", f"--numprocesses={processors}", *arguments)


def _show(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

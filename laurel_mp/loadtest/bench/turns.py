"""Runs all candidates in turn, so that other load on the machine meets them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.loadtest.bench.candidates import Candidate, Mode
from laurel_mp.loadtest.bench.run_measures import Measures
from laurel_mp.loadtest.bench.runs import run
from laurel_mp.loadtest.bench.workloads import Workload

Begin = Callable[[str], None]
"""Called with a description before each run."""


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """Candidates and runs of a benchmark."""

    candidates: Sequence[Candidate]
    """The others are compared with the first."""
    mode: Mode
    runs: int
    """Of each candidate, after one that only warms caches and does not count (none at rest)."""
    rate: float | None = None
    """Events per second; None for as fast as possible."""
    seconds: float = 60.0
    """Length of a run at rest."""

    @property
    def steps(self) -> int:
        """Number of runs for a workload, with those that do not count."""
        return len(self.candidates) * len(self.rounds)

    @property
    def rounds(self) -> range:
        """Numbers of the rounds; 0 only warms caches."""
        return range(1 if self.mode is Mode.IDLE else 0, self.runs + 1)


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of all runs on one workload."""

    workload: Workload
    plan: BenchPlan
    runs: dict[str, list[Measures]]
    """By candidate, in the order of the rounds: the same index is the same round."""


def measure(plan: BenchPlan, workload: Workload, directory: Path, begin: Begin) -> Result:
    """Runs all rounds of a plan. Raises LaurelError if a candidate fails."""
    runs: dict[str, list[Measures]] = {candidate.name: [] for candidate in plan.candidates}
    for number in plan.rounds:
        # To and fro: a candidate that comes late in a round while the machine slows down comes
        # first in the next one.
        order = plan.candidates if number % 2 else list(reversed(plan.candidates))
        for candidate in order:
            begin(f"{workload.name}, {_name(number, plan.runs)}: {candidate.name}")
            measured = run(
                candidate, workload, plan.mode, directory, rate=plan.rate, seconds=plan.seconds
            )
            if number:
                runs[candidate.name].append(measured)
    return Result(workload, plan, runs)


def _name(number: int, runs: int) -> str:
    return f"round {number} of {runs}" if number else "warming up"

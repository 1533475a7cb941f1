"""Results of benchmarks that were never run."""

from pathlib import Path

from laurel_mp.loadtest.bench.candidates import Mode, ours
from laurel_mp.loadtest.bench.machine import Machine
from laurel_mp.loadtest.bench.run_measures import Latency, Measures
from laurel_mp.loadtest.bench.turns import BenchPlan, Result
from laurel_mp.loadtest.bench.workloads import Workload

MACHINE = Machine(2, "A <CPU>", "", "6.1", "3.11.2 (main)", "0.1.0", "25", "4.3", 0.1)


def measures(
    wall: float = 2.0,
    *,
    events: int = 500,
    others: float = 0.0,
    latency: float | None = None,
    memory: int | None = 1 << 20,
) -> Measures:
    """One run."""
    times = None if latency is None else Latency(latency, latency, latency, 0)
    return Measures(wall, wall, 1000, events, memory, {"ingest": 0.95}, others, times)


def result(runs: dict[str, list[Measures]], mode: Mode = Mode.CONVERT) -> Result:
    """All runs of some candidates; the names are those that are shown."""
    number = len(next(iter(runs.values())))
    plan = BenchPlan([ours(0, name=name) for name in runs], mode, number)
    return Result(Workload("a <file>", Path("file"), 1000, 1 << 20), plan, runs)

"""Finds the `workers`, `linger-ms` and `window-bytes` that suit this machine, by trying them."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from laurel_mp.errors import InputError, OutputError
from laurel_mp.loadtest import choice
from laurel_mp.loadtest.bench.benchmark import Source, of_file, of_flood
from laurel_mp.loadtest.bench.candidates import Candidate, Mode, ours
from laurel_mp.loadtest.bench.machine import Machine
from laurel_mp.loadtest.bench.run_measures import Measures
from laurel_mp.loadtest.bench.runs import run
from laurel_mp.loadtest.bench.workloads import Workload
from laurel_mp.loadtest.choice import Choice, Throughput, Waiting
from laurel_mp.loadtest.flood import Options

LINGERS = (10, 20, 40, 80, 150)
"""Milliseconds."""

WINDOWS = (1 << 22, 1 << 24, 1 << 26)

MOST_WORKERS = 8

LINES_PER_SECOND = 150_000
"""About the throughput of one CPU: a sample has so many lines per second of a run."""

EVENTS_PER_SECOND = 200
"""While linger times are tried: more of them need less of it."""

Begin = Callable[[str], None]
"""Called with a description before each step."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings to try, and the length of the trials."""

    seconds: float = 3.0
    """For one run of a setting, about."""
    rounds: int = 3
    """Runs of each setting while throughput is measured."""
    workers: Sequence[int] = ()
    """Empty: chosen by the number of CPUs."""
    lingers: Sequence[int] = LINGERS
    windows: Sequence[int] = WINDOWS

    def worker_counts(self, cpus: int) -> list[int]:
        """Returns the counts to try: 0, 1, 2, 4 … up to the number of CPUs."""
        if self.workers:
            return sorted(set(self.workers))
        counts = [0, 1]
        while counts[-1] * 2 <= min(cpus, MOST_WORKERS):
            counts.append(counts[-1] * 2)
        return counts

    def steps(self, cpus: int) -> int:
        """Returns the number of calls of `Begin`."""
        settings = len(self.worker_counts(cpus)) + len(self.windows)
        return 1 + self.rounds * settings + len(self.lingers)


@dataclass(frozen=True, slots=True)
class Advice:
    """Measured figures, and the settings recommended by them."""

    machine: Machine
    sample: str
    lines: int
    size: int
    """Bytes of the sample."""
    workers: list[Throughput]
    lingers: list[Waiting]
    windows: list[Throughput]

    @property
    def choices(self) -> dict[str, Choice]:
        """By key of `[pipeline]`."""
        return {
            "workers": choice.workers(self.workers),
            "linger-ms": choice.linger(self.lingers),
            "window-bytes": choice.window(self.windows),
        }

    def snippet(self) -> str:
        """The section of the configuration, to be pasted."""
        lines = (f"{key} = {chosen.setting}\n" for key, chosen in self.choices.items())
        return "[pipeline]\n" + "".join(lines)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "machine": asdict(self.machine),
            "sample": {"name": self.sample, "lines": self.lines, "bytes": self.size},
            "measured": {
                "workers": [each._asdict() for each in self.workers],
                "linger-ms": [each._asdict() for each in self.lingers],
                "window-bytes": [each._asdict() for each in self.windows],
            },
            "recommended": {key: chosen._asdict() for key, chosen in self.choices.items()},
        }


def source_of(path: Path | None, settings: Settings) -> Source:
    """The user's own log, or a flood."""
    if path is not None:
        return of_file(path)
    events = max(int(settings.seconds * LINES_PER_SECOND / 6), 1000)
    return of_flood(Options(events=events))


def tune(source: Source, settings: Settings, begin: Begin) -> Advice:
    """Tries all settings. Raises LaurelError; whatever ends it, no file and no process is left."""
    machine = Machine.here()
    memory = Path("/dev/shm")  # noqa: S108 - files are made in a new directory of mode 0700
    try:
        directory = Path(
            tempfile.mkdtemp(prefix="laurel-mp-tune-", dir=memory if memory.is_dir() else None)
        )
    except OSError as error:
        raise OutputError(f"{error.filename}: {error.strerror}") from None
    try:
        begin("making a sample")
        return _Trials(source(directory), settings, directory, begin).advice(machine)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Trials:
    """Runs on one sample."""

    def __init__(
        self, workload: Workload, settings: Settings, directory: Path, begin: Begin
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._begin = begin
        self._name = workload.name
        self._whole = _first_lines(
            workload, int(settings.seconds * LINES_PER_SECOND), directory / "whole"
        )
        self._few = _first_events(
            self._whole, int(settings.seconds * EVENTS_PER_SECOND), directory / "few"
        )

    def advice(self, machine: Machine) -> Advice:
        """Runs all trials."""
        settings = self._settings
        counts = settings.worker_counts(machine.cpus)
        workers = self._throughputs({each: ours(each) for each in counts}, "{} workers")
        chosen = choice.workers(workers).setting
        lingers = [self._waiting(chosen, each) for each in settings.lingers]
        linger = choice.linger(lingers).setting
        candidates = {
            each: ours(chosen, {"linger-ms": linger, "window-bytes": each})
            for each in settings.windows
        }
        windows = self._throughputs(candidates, "a window of {} bytes")
        whole = self._whole
        return Advice(machine, self._name, whole.lines, whole.size, workers, lingers, windows)

    def _throughputs(self, candidates: Mapping[int, Candidate], what: str) -> list[Throughput]:
        """Of each candidate; in turn, so that other load on the machine meets all alike."""
        runs: dict[int, list[Measures]] = {setting: [] for setting in candidates}
        for _ in range(self._settings.rounds):
            for setting, candidate in candidates.items():
                self._begin(what.format(setting))
                runs[setting].append(run(candidate, self._whole, Mode.LIVE, self._directory))
        return [_throughput(setting, found) for setting, found in runs.items()]

    def _waiting(self, workers: int, linger: int) -> Waiting:
        self._begin(f"a linger time of {linger} ms")
        candidate = ours(workers, {"linger-ms": linger})
        found = run(candidate, self._few, Mode.LIVE, self._directory, rate=EVENTS_PER_SECOND)
        if found.latency is None:
            raise InputError(f"{self._name}: no event was written")
        return Waiting(linger, found.cpu / found.wall, found.latency.p50, found.latency.p99)


def _throughput(setting: int, runs: list[Measures]) -> Throughput:
    memory = [each.memory for each in runs if each.memory is not None]
    return Throughput(
        setting,
        statistics.median(each.lines_per_second for each in runs),
        statistics.median(1e6 * each.cpu / each.lines for each in runs),
        max(memory) if memory else None,
    )


def _first_lines(workload: Workload, lines: int, path: Path) -> Workload:
    """Returns the first lines of a sample that is longer."""
    if workload.lines <= lines:
        return workload
    with workload.path.open("rb") as file:
        return Workload.written((file.readline() for _ in range(lines)), path, workload.name)


def _first_events(workload: Workload, events: int, path: Path) -> Workload:
    ends = workload.ends()
    if not ends:
        raise InputError(f"{workload.name}: there is no audit record in it")
    if len(ends) <= events:
        return workload
    with workload.path.open("rb") as file:
        return Workload.written([file.read(ends[events - 1].position)], path, workload.name)

"""Runs one candidate on one workload, and measures it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from laurel_mp.errors import LaurelError
from laurel_mp.loadtest.bench.candidates import Candidate, Mode
from laurel_mp.loadtest.bench.feeding import feed, feed_paced
from laurel_mp.loadtest.bench.run_measures import Latency, Measures
from laurel_mp.loadtest.bench.sampling import Sampler, busy_seconds
from laurel_mp.loadtest.bench.workloads import Workload
from laurel_mp.loadtest.usage import cpu_seconds, tree
from laurel_mp.pipeline.supervisor.checkpoint_schedule import LONGEST_PERIOD

START_SECONDS = 30.0
"""Seconds that a plugin may take to start and come to rest."""

_AT_REST = 0.001
"""CPU seconds: a plugin that uses less between two looks is at rest."""

_LOOK = 0.1
"""Seconds between those looks."""

_STOP_SECONDS = 3.0
"""Seconds that a candidate may take to clean up after an interrupt."""

_BLOCK = 1 << 20


class RunError(LaurelError):
    """Raised when a candidate fails, so that there is nothing to compare."""


def run(
    candidate: Candidate,
    workload: Workload,
    mode: Mode,
    directory: Path,
    *,
    rate: float | None = None,
    seconds: float = 0.0,
) -> Measures:
    """Measures one run; files go into `directory`, and are removed.

    With a `rate`, in events per second, a live run measures the latency, too. A run at rest is
    measured for `seconds`. Raises LaurelError.
    """
    place = Path(tempfile.mkdtemp(prefix="run-", dir=directory))
    try:
        if mode is Mode.CONVERT:
            return _convert(candidate, workload, place)
        with _plugin(candidate, workload, place) as (running, stdin):
            if mode is Mode.IDLE:
                return _idle(candidate, workload, place, running, stdin, seconds)
            return _live(candidate, workload, place, running, stdin, rate)
    except OSError as error:
        raise RunError(f"{candidate.name}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _convert(candidate: Candidate, workload: Workload, place: Path) -> Measures:
    with (
        workload.path.open("rb") as capture,
        _started(candidate, workload, Mode.CONVERT, place, capture.fileno()) as running,
    ):
        spent = running.end()
    return _measures(candidate, workload, place, spent)


@contextmanager
def _plugin(
    candidate: Candidate, workload: Workload, place: Path
) -> Iterator[tuple[_Running, socket.socket]]:
    """A plugin that has started, and our end of its standard input."""
    ours, theirs = socket.socketpair()
    # Ours is closed first, whatever happens: a plugin whose input has ended ends soon.
    with (
        theirs,
        _started(candidate, workload, Mode.LIVE, place, theirs.fileno()) as running,
        ours,
    ):
        theirs.close()
        running.await_rest()
        running.begin()
        try:
            yield running, ours
        except (BrokenPipeError, ConnectionResetError):
            running.end()  # which raises the reason, if it has failed
            raise RunError(f"{candidate.name}: does not read any more") from None


def _live(
    candidate: Candidate,
    workload: Workload,
    place: Path,
    running: _Running,
    stdin: socket.socket,
    rate: float | None,
) -> Measures:
    latency = None
    if rate is None:
        feed(stdin, workload)
    else:
        latency = feed_paced(stdin, workload, rate, candidate.output(place))
    stdin.close()
    return _measures(candidate, workload, place, running.end(), latency)


def _idle(
    candidate: Candidate,
    workload: Workload,
    place: Path,
    running: _Running,
    stdin: socket.socket,
    seconds: float,
) -> Measures:
    feed(stdin, workload)
    running.await_rest()
    if workload.lines:
        time.sleep(LONGEST_PERIOD)  # memory is given back behind the last checkpoints
    running.begin()
    time.sleep(seconds)
    spent = running.spent()
    stdin.close()
    running.end()
    return _measures(candidate, workload, place, spent)


@dataclass(frozen=True, slots=True)
class _Spent:
    """Resources used by a run."""

    wall: float
    cpu: float
    by_title: dict[str, float]
    memory: int | None
    others: float


class _Running:
    """A running candidate."""

    def __init__(
        self, candidate: Candidate, process: subprocess.Popen[bytes], errors: IO[bytes]
    ) -> None:
        self._candidate = candidate
        self._process = process
        self._errors = errors
        self.sampler = Sampler(process.pid, candidate.first_process)
        self._before: dict[int, float] = {}
        self._started = time.perf_counter()
        self._own = time.process_time()
        self._busy = busy_seconds()

    def await_rest(self) -> None:
        """Waits until all of its processes have started and are at rest."""
        deadline = time.monotonic() + START_SECONDS
        before = -1.0  # so that it takes two looks
        while time.monotonic() < deadline:
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                self.end()
                raise RunError(f"{self._candidate.name}: ended before it was given anything")
            seconds = _cpu(self._process.pid)
            used = sum(seconds.values())
            if len(seconds) >= self._candidate.processes and used - before < _AT_REST:
                return
            before = used
            time.sleep(_LOOK)
        raise RunError(f"{self._candidate.name}: has not started within {START_SECONDS:g} s")

    def begin(self) -> None:
        """Starts the measurement: resources used before do not count."""
        self.sampler.begin()
        self._before = _cpu(self._process.pid)
        self._started = time.perf_counter()
        self._own = time.process_time()
        self._busy = busy_seconds()

    def spent(self) -> _Spent:
        """Returns the resources used since `begin`, without waiting for its end."""
        wall = time.perf_counter() - self._started
        return self._spent(wall, sum(_cpu(self._process.pid).values()))

    def end(self) -> _Spent:
        """Waits for its end, and returns the resources used. Raises RunError if it failed."""
        # The CPU time of children counts once their parent has waited for them, and ours do:
        # the fork server for its children, ingest for the fork server.
        _, status, usage = os.wait4(self._process.pid, 0)
        wall = time.perf_counter() - self._started
        self._process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait again
        self.sampler.stop()
        if self._process.returncode:
            raise RunError(f"{self._candidate.name}: {self._failure(self._process.returncode)}")
        return self._spent(wall, usage.ru_utime + usage.ru_stime)

    def _spent(self, wall: float, used: float) -> _Spent:
        cpu = used - sum(self._before.values())
        others = busy_seconds() - self._busy - cpu - (time.process_time() - self._own)
        return _Spent(
            wall,
            cpu,
            self.sampler.by_title(self._before),
            self.sampler.memory,
            max(others, 0.0) / wall,
        )

    def _failure(self, status: int) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return f"{how}: {said[-1].strip()}" if said else how

    def stop(self) -> None:
        """Stops it with all of its processes."""
        if self._process.returncode is None:
            _end(self._process)
        self.sampler.stop()


@contextmanager
def _started(
    candidate: Candidate,
    workload: Workload,
    mode: Mode,
    place: Path,
    stdin: int,
) -> Iterator[_Running]:
    command = candidate.command(place, mode, workload.path.absolute())
    with tempfile.TemporaryFile(dir=place) as errors:
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | {"TMPDIR": str(place)},  # so that sockets are removed with the rest
            start_new_session=True,  # an interrupt from the terminal is for us, and we end it
        )
        try:
            running = _Running(candidate, process, errors)
        except BaseException:
            _end(process)
            raise
        try:
            with running.sampler:
                yield running
        finally:
            running.stop()


def _end(process: subprocess.Popen[bytes]) -> None:
    pids = tree(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def _cpu(pid: int) -> dict[int, float]:
    found = {}
    for each in tree(pid):
        with suppress(OSError):  # it has ended
            found[each] = cpu_seconds(each)
    return found


def _measures(
    candidate: Candidate,
    workload: Workload,
    place: Path,
    spent: _Spent,
    latency: Latency | None = None,
) -> Measures:
    try:
        with candidate.output(place).open("rb") as file:
            events = sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
    except FileNotFoundError:
        events = 0
    if not events and workload.lines:
        raise RunError(f"{candidate.name}: has written nothing; does it read LAUREL's config.toml?")
    shares = {title: seconds / spent.wall for title, seconds in spent.by_title.items()}
    return Measures(
        spent.wall,
        spent.cpu,
        workload.lines,
        events,
        spent.memory,
        shares,
        spent.others,
        latency,
    )

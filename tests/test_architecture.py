"""The walk of a line in docs/architecture.md is that of the code."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import laurel_mp
from laurel_mp.config import Config
from laurel_mp.observe.register import Register
from laurel_mp.pipeline.daemon.input_feed import InputFeed
from laurel_mp.pipeline.daemon.run_state import RunState
from laurel_mp.pipeline.daemon.stop_deadline import StopDeadline
from laurel_mp.pipeline.daemon.upstream_losses import UpstreamLossMonitor
from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.inputs import DescriptorInput
from laurel_mp.pipeline.intake.reader import Reader
from laurel_mp.pipeline.runner.batches import Batch
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.spawner import ProcessSpawner
from laurel_mp.pipeline.status.run_statistics import RunStatistics
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.start import runner_of, start_fork_server
from tests.support.pipelines import with_pipeline
from tests.support.stream import Stream
from tests.support.waiting import wait_until

ROOT = Path(laurel_mp.__file__).parent
PAGE = ROOT.parent / "docs" / "architecture.md"

MOST = 25
"""Modules on the way of a line."""

MARK = b"/bin/walker"

_module = re.compile(r"`([a-z_/]+\.py)`")


def section(heading: str) -> str:
    """The part of the page below a heading."""
    return PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]


def walk(workers: int) -> set[str]:
    """The modules of the table of the walk, for `workers = 0` or for more."""
    found = set()
    for row in section("The way of a line").splitlines():
        if row.startswith("| ") and not row.startswith(("| ---", "| step")):
            _, _, zero, more, _ = row.split("|")
            found |= set(_module.findall(more if workers else zero))
    return found


def bookkeeping() -> set[str]:
    """The modules that are called for each batch, and do not get its lines."""
    return set(_module.findall(section("Bookkeeping for each batch")))


def carries(value: object, depth: int = 3) -> bool:
    """True if a value holds the line, or its event."""
    if isinstance(value, bytes | bytearray):
        return MARK in value
    if isinstance(value, Batch):
        return MARK in value.lines
    if isinstance(value, tuple | list) and depth:
        return any(carries(each, depth - 1) for each in value)
    return False


class Trace:
    """The modules whose functions are called, and those that get the line or return it."""

    def __init__(self) -> None:
        self.called: set[str] = set()
        self.carrying: set[str] = set()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """See sys.setprofile."""
        path = Path(frame.f_code.co_filename)
        if event not in {"call", "return"} or not path.is_relative_to(ROOT):
            return
        name = str(path.relative_to(ROOT))
        self.called.add(name)
        code = frame.f_code
        values = [frame.f_locals[each] for each in code.co_varnames[: code.co_argcount]]
        if carries(argument) or any(map(carries, values)):
            self.carrying.add(name)


class Walk:
    """A plugin's way from a pipe to a file, in this process as far as it is in ingest."""

    def __init__(self, directory: Path, workers: int) -> None:
        self.log = directory / "audit.log"
        config = with_pipeline(Config(directory=str(directory)), workers=workers)
        self._spawner = ProcessSpawner(live=False)
        start_fork_server(self._spawner, config)
        outputs = Outputs.of_command(config, str(self.log))
        make_runner = partial(runner_of, self._spawner)
        self.pipeline = Pipeline(config, outputs, make_runner, Hooks())
        self._end, self.write = os.pipe()
        backlog = Backlog(1 << 20)
        self._backlog = backlog
        self._reader = Reader(DescriptorInput(self._end, "pipe"), backlog, 0.0)
        statistics = RunStatistics(Register(), self.pipeline, backlog, self._spawner.accounts)
        self.feed = InputFeed(
            self._reader,
            backlog,
            self.pipeline,
            UpstreamLossMonitor(config, print, None),
            statistics,
            RunState(config),
            StopDeadline(),
            None,
        )
        self.pipeline.start()
        self._backlog.open()

    def give(self, text: bytes) -> None:
        """Moves input through the main thread, as when there is little of it."""
        os.write(self.write, text)
        assert self._reader.borrow()
        assert self.feed.wait(lambda _fd: True)
        self.feed.step()
        wait_until(self._is_written, "it is written")

    def _is_written(self) -> bool:
        self.pipeline.step()
        return not self.pipeline.waiting(0).batches

    def close(self) -> None:
        """Ends all of it."""
        self.pipeline.close()
        self._spawner.close()
        os.close(self.write)
        self._backlog.close()


@contextmanager
def walking(directory: Path, workers: int) -> Iterator[Walk]:
    """A way that is closed."""
    made = Walk(directory, workers)
    try:
        yield made
    finally:
        made.close()


def trace_of(directory: Path, workers: int) -> Trace:
    """Trace of an event of a kind that was seen before."""
    stream, trace = Stream(), Trace()
    given = 0
    with walking(directory, workers) as way:
        for traced in [False] * 30 + [True]:
            stream.open(7, 1, MARK.decode(), uid=0)
            text = stream.text()
            sys.setprofile(trace if traced else None)
            try:
                way.give(text[given:])
            finally:
                sys.setprofile(None)
            given = len(text)
    return trace


@pytest.mark.parametrize("workers", [0, 2])
def test_the_walk_is_short(workers: int) -> None:
    """A newcomer reads at most 25 modules to follow a line; all of them exist."""
    found = walk(workers)

    assert 15 < len(found) <= MOST
    assert [name for name in found | bookkeeping() if not (ROOT / name).is_file()] == []
    assert not found & bookkeeping()


@pytest.mark.parametrize("workers", [0, 2])
def test_the_walk_is_complete(tmp_path: Path, workers: int) -> None:
    """No module gets the line, or its event, that the table does not name.

    What is called and does not get it, is bookkeeping. With workers, only ingest is traced; the
    stages in the other processes are those of `workers = 0`.
    """
    trace = trace_of(tmp_path, workers)

    assert trace.carrying - walk(workers) == set()
    assert trace.called - walk(workers) - bookkeeping() == set()
    if not workers:
        assert walk(0) - trace.called == set()


def test_stages_are_the_same() -> None:
    """Other processes run the same stages: the walks differ in the stage runner only."""
    assert {name for name in walk(0) ^ walk(2) if not name.startswith("pipeline/runner/")} == set()

"""A plugin that is fed and disturbed, and what came of it."""

from __future__ import annotations

import random
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil

from tests.chaos import outcome, plugin
from tests.chaos.disturbances import (
    HANG_TIMEOUT,
    Disturbance,
    Freeze,
    Kill,
    Planned,
    Reload,
    Rotate,
    plan,
)
from tests.chaos.offline import Expected
from tests.chaos.plugin import INGEST, Plugin
from tests.chaos.sender import Sender
from tests.chaos.settings import Settings

PATIENCE = 60.0
"""Seconds after a disturbance in which the output must flow again."""

STEP = 0.005
"""Seconds between looks at everything."""

MEMORY_STEP = 0.5
"""Seconds between looks at the memory."""


@dataclass(frozen=True)
class Recovery:
    """A disturbance that is over: how long nothing new came out, in seconds."""

    what: Disturbance
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:6.2f} s  {self.what}"


@dataclass(frozen=True)
class Report:
    """Figures of a run."""

    workers: int
    seed: int
    lines: int
    seconds: float
    recoveries: list[Recovery]
    memory: int
    """Bytes, the most that all processes held together."""
    longest_block: float
    """Seconds, the longest time for which the plugin did not read."""

    def __str__(self) -> str:
        kills = [each.seconds for each in self.recoveries if isinstance(each.what, Kill)]
        figures = (
            f"from a kill to output: median {statistics.median(kills):.2f} s, "
            f"at most {max(kills):.2f} s; "
            if kills
            else ""
        )
        return (
            f"workers {self.workers}, seed {self.seed}: {self.lines} lines in "
            f"{self.seconds:.1f} s, {len(self.recoveries)} disturbances; {figures}"
            f"sending was blocked for {self.longest_block:.3f} s at most; "
            f"memory {self.memory / 2**20:.0f} MiB at most"
        )


class Run:
    """One plugin, one stream, one plan."""

    def __init__(
        self,
        settings: Settings,
        expected: Expected,
        running: Plugin,
        sender: Sender,
        chance: random.Random,
    ) -> None:
        self._settings = settings
        self._expected = expected
        self._plugin = running
        self._sender = sender
        self._chance = chance
        self._log = settings.directory / "audit.log"
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._memory_due = 0.0
        self.recoveries: list[Recovery] = []
        self.memory = 0

    def go(self, planned: list[Planned]) -> None:
        """Sends the whole stream; a disturbance happens at its place, and is over at the next."""
        ends = [*[each.position for each in planned[1:]], len(self._expected.stream)]
        for (position, what), limit in zip(planned, ends, strict=False):
            while self._sender.sent < position:
                self._step(position)
            self._disturb(what, limit)
        while not self._sender.done:
            self._step(len(self._expected.stream))

    def _disturb(self, what: Disturbance, limit: int) -> None:
        """Does it, and sends on until what was sent afterwards comes out."""
        blocked, enough = self._sender.longest, self._expected.size_at(self._sender.sent)
        began = time.monotonic()
        deadline = began + PATIENCE
        self._do(what, limit, deadline)
        if isinstance(what, Rotate):
            return
        while self._later or outcome.size(self._log) <= enough:
            self._step(limit)
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: no output within {PATIENCE:g} s")
        self.recoveries.append(Recovery(what, time.monotonic() - began))
        if what == Freeze(INGEST, getattr(what, "seconds", 0.0)):
            self._sender.longest = blocked  # nobody was there to read

    def _do(self, what: Disturbance, limit: int, deadline: float) -> None:
        match what:
            case Kill(roles, pause):
                for number, role in enumerate(roles):
                    until = time.monotonic() + pause if number else 0.0
                    while time.monotonic() < until:
                        self._step(limit)
                    plugin.send(self._find(role, limit, deadline), signal.SIGKILL)
            case Freeze(role, seconds):
                process = self._find(role, limit, deadline)
                plugin.send(process, signal.SIGSTOP)
                resume = partial(plugin.send, process, signal.SIGCONT)
                self._later.append((time.monotonic() + seconds, resume))
            case Reload(workers):
                replace(self._settings, workers=workers).write()
                self._plugin.process.send_signal(signal.SIGHUP)
            case Rotate():
                self._plugin.process.send_signal(signal.SIGUSR1)

    def _find(self, role: str, limit: int, deadline: float) -> psutil.Process:
        """One of the processes of this role, as soon as there is one."""
        while not (found := self._plugin.processes().get(role)):
            self._step(limit)
            if time.monotonic() > deadline:
                raise AssertionError(f"there is no {role} within {PATIENCE:g} s")
        return self._chance.choice(found)

    def _step(self, limit: int) -> None:
        """Sends what may be sent, does what is due, looks at the plugin."""
        self._plugin.check()
        self._sender.step(limit)
        now = time.monotonic()
        for each in [each for each in self._later if each[0] <= now]:
            self._later.remove(each)
            each[1]()
        if now >= self._memory_due:
            self.memory = max(self.memory, self._plugin.memory())
            self._memory_due = time.monotonic() + MEMORY_STEP
        time.sleep(STEP)


def run(
    expected: Expected,
    directory: Path,
    *,
    workers: int,
    seed: int,
    disturbances: int,
    rate: float,
    worker_counts: tuple[int, ...] = (1, 2, 4),
) -> Report:
    """Feeds a stream to a plugin, `rate` bytes a second, and disturbs it; checks what comes out.

    The plugin begins with `workers`, and gets others of `worker_counts` later on. Fails with the
    seed, the first difference and what the plugin said.
    """
    chance = random.Random(f"{seed} {workers}")
    settings = Settings(directory, workers, pipeline=f"hang-timeout = {HANG_TIMEOUT}")
    planned = plan(disturbances, len(expected.stream), chance, worker_counts)
    began = time.monotonic()
    with (
        told(
            f"workers {workers}, seed {seed}, plan: {'; '.join(str(each.what) for each in planned)}"
        ),
        plugin.connection() as (ours, theirs),
        plugin.started(settings.write(), theirs) as running,
    ):
        theirs.close()
        sender = Sender(ours, expected.stream, rate)
        this = Run(settings, expected, running, sender, chance)
        this.go(planned)
        ours.close()
        running.end()
        check(expected, directory)
    return Report(
        workers=workers,
        seed=seed,
        lines=expected.stream.count(b"\n"),
        seconds=time.monotonic() - began,
        recoveries=this.recoveries,
        memory=this.memory,
        longest_block=sender.longest,
    )


def check(expected: Expected, directory: Path) -> None:
    """Fails unless all files hold what they should."""
    for name, text in (
        ("audit.log", expected.events),
        ("filtered.log", expected.filtered),
        ("malformed.log", expected.malformed),
    ):
        found = outcome.difference(text, outcome.written(directory / name))
        assert found is None, f"{directory / name}: {found}"


@contextmanager
def told(what: str) -> Iterator[None]:
    """Says in an error what was going on."""
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise

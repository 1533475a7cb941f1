"""Feeds a plugin, disturbs it, and returns the result."""

from __future__ import annotations

import random
import signal
import statistics
import time
from collections.abc import Callable
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
from tests.chaos.feed import Feed, check, feeding, told
from tests.chaos.offline import Expected
from tests.chaos.plugin import INGEST
from tests.chaos.settings import Settings

PATIENCE = 60.0
"""Seconds after a disturbance in which the output must flow again."""


@dataclass(frozen=True)
class Recovery:
    """A disturbance that is over."""

    what: Disturbance
    seconds: float
    """Seconds without new output."""
    blocked: float
    """Seconds, the longest time for which nothing could be sent meanwhile."""

    def __str__(self) -> str:
        return f"{self.seconds:6.2f} s, blocked {self.blocked:5.2f} s: {self.what}"


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

    def __str__(self) -> str:
        kills = [each.seconds for each in self.recoveries if isinstance(each.what, Kill)]
        # While it is stopped itself, it reads nothing.
        blocked = [
            each.blocked
            for each in self.recoveries
            if not (isinstance(each.what, Freeze) and each.what.role == INGEST)
        ]
        figures = (
            f"from a kill to output: median {statistics.median(kills):.2f} s, "
            f"at most {max(kills):.2f} s; "
            if kills
            else ""
        )
        return (
            f"workers {self.workers}, seed {self.seed}: {self.lines} lines in "
            f"{self.seconds:.1f} s, {len(self.recoveries)} disturbances; {figures}"
            f"sending was blocked for {max(blocked, default=0.0):.3f} s at most; "
            f"memory {self.memory / 2**20:.0f} MiB at most"
        )


class Run:
    """One plugin, one stream, one plan."""

    def __init__(
        self, settings: Settings, expected: Expected, feed: Feed, chance: random.Random
    ) -> None:
        self._settings = settings
        self._expected = expected
        self._feed = feed
        self._chance = chance
        self._log = settings.directory / "audit.log"
        self._later: list[tuple[float, Callable[[], None]]] = []
        self.recoveries: list[Recovery] = []
        feed.also.append(self._do_later)

    def go(self, planned: list[Planned]) -> None:
        """Each disturbance happens at its place in the stream, and is over at the next."""
        ends = [*[each.position for each in planned[1:]], len(self._expected.stream)]
        for (position, what), limit in zip(planned, ends, strict=False):
            sender = self._feed.sender
            self._feed.until(lambda: sender.sent == position, "sent", 600.0, limit=position)  # noqa: B023
            self._disturb(what, limit)

    def _disturb(self, what: Disturbance, limit: int) -> None:
        """Does it, and sends on until what was sent afterwards comes out."""
        sender = self._feed.sender
        enough = self._expected.size_at(sender.sent)
        sender.longest = 0.0
        began = time.monotonic()
        self._do(what, limit)
        if isinstance(what, Rotate):
            return
        self._feed.until(
            lambda: outcome.size(self._log) > enough,
            f"output, after: {what}",
            PATIENCE,
            limit,
        )
        self.recoveries.append(Recovery(what, time.monotonic() - began, sender.longest))
        self._feed.until(lambda: not self._later, "stopped processes continue", PATIENCE, limit)

    def _do(self, what: Disturbance, limit: int) -> None:
        match what:
            case Kill(roles, pause):
                for number, role in enumerate(roles):
                    until = time.monotonic() + pause if number else 0.0
                    while time.monotonic() < until:
                        self._feed.step(limit)
                    plugin.send(self._find(role, limit), signal.SIGKILL)
            case Freeze(role, seconds):
                process = self._find(role, limit)
                plugin.send(process, signal.SIGSTOP)
                resume = partial(plugin.send, process, signal.SIGCONT)
                self._later.append((time.monotonic() + seconds, resume))
            case Reload(workers):
                replace(self._settings, workers=workers).write()
                self._feed.plugin.process.send_signal(signal.SIGHUP)
            case Rotate():
                self._feed.plugin.process.send_signal(signal.SIGUSR1)

    def _find(self, role: str, limit: int) -> psutil.Process:
        """One of the processes of this role, as soon as there is one."""
        found: list[psutil.Process] = []

        def look() -> bool:
            found[:] = self._feed.plugin.processes().get(role, [])
            return bool(found)

        self._feed.until(look, f"there is a process: {role}", PATIENCE, limit)
        return self._chance.choice(found)

    def _do_later(self) -> None:
        now = time.monotonic()
        for each in [each for each in self._later if each[0] <= now]:
            self._later.remove(each)
            each[1]()


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
    what = "; ".join(str(each.what) for each in planned) or "nothing"
    with (
        told(f"workers {workers}, seed {seed}, planned: {what}"),
        feeding(settings, expected.stream, rate) as (feed, ours),
    ):
        this = Run(settings, expected, feed, chance)
        this.go(planned)
        feed.finish(ours)
        check(expected, directory)
    return Report(
        workers=workers,
        seed=seed,
        lines=expected.stream.count(b"\n"),
        seconds=time.monotonic() - began,
        recoveries=this.recoveries,
        memory=feed.memory,
    )

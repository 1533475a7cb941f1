"""Disturbances of a plugin at positions in the stream, planned from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tests.chaos.plugin import INGEST

CHILDREN = ("worker", "tracker", "writer", "fork server", "names", "names, keeper")
"""Roles of all children, by their titles."""

PIPELINE = ("worker", "tracker", "writer")
"""Roles without which nothing comes out."""

HANG_TIMEOUT = 2.0
"""Seconds after which the program itself must see that a child has stopped."""


@dataclass(frozen=True)
class Kill:
    """Processes of these roles are killed; the second one somewhat later."""

    roles: tuple[str, ...]
    pause: float = 0.0

    def __str__(self) -> str:
        later = f" after {self.pause * 1000:.0f} ms" if len(self.roles) > 1 else ""
        return f"kill {', then '.join(self.roles)}{later}"


@dataclass(frozen=True)
class Freeze:
    """A process of this role is stopped, and continued after some seconds if it still exists."""

    role: str
    seconds: float

    def __str__(self) -> str:
        return f"stop {self.role} for {self.seconds:.2f} s"


@dataclass(frozen=True)
class Reload:
    """The configuration is another one, and SIGHUP says so."""

    workers: int

    def __str__(self) -> str:
        return f"reload with {self.workers} workers"


@dataclass(frozen=True)
class Rotate:
    """SIGUSR1."""

    def __str__(self) -> str:
        return "rotate"


Disturbance = Kill | Freeze | Reload | Rotate


class Planned(NamedTuple):
    """A disturbance, and where in the stream it happens."""

    position: int
    what: Disturbance


def plan(
    count: int, size: int, chance: random.Random, worker_counts: tuple[int, ...]
) -> list[Planned]:
    """`count` disturbances, spread over a stream of `size` bytes, never two at one place.

    Each kind comes before any comes again.
    """
    makers: list[Callable[[], Disturbance]] = []
    while len(makers) < count:
        deck = _deck(chance, worker_counts)
        chance.shuffle(deck)
        makers += deck
    step = 0.95 * size / max(count, 1)
    return [
        Planned(int(step * (number + 0.2 + 0.6 * chance.random())), make())
        for number, make in enumerate(makers[:count])
    ]


def _deck(chance: random.Random, worker_counts: tuple[int, ...]) -> list[Callable[[], Disturbance]]:
    """One of each."""

    def both() -> Disturbance:
        first, second = chance.sample((*PIPELINE, "fork server", "worker"), 2)
        return Kill((first, second), chance.uniform(0.0, 0.3))

    def hangs() -> Disturbance:
        return Freeze(chance.choice(PIPELINE), HANG_TIMEOUT * chance.uniform(1.2, 1.6))

    def reload() -> Disturbance:
        return Reload(chance.choice(worker_counts))

    kills = [lambda role=role: Kill((role,)) for role in CHILDREN]
    stops = [
        lambda role=role: Freeze(role, chance.uniform(0.05, 0.6))
        for role in (*PIPELINE, "fork server", INGEST)
    ]
    return [*kills, *stops, both, both, hangs, reload, reload, Rotate, Rotate]

"""Options of a flood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from laurel_mp.loadtest.flood import mix

MAX_PROCESSES = 30_000
"""Less than the process table of laurel-mp holds, so that it knows all parents."""

MAX_DEPTH = 50

START = 1_700_000_000
"""Default time of the first event, in seconds since the epoch."""

ASSUMED_RATE = 20_000.0
"""Events per second of the time stamps without a rate."""

UNIQUE = 0.02
"""Default share of unique events: about as many lines repeat as in a capture.

Lines that appear only once, apart from their ids: 20.8 % in tests/corpus/builds.raw.txt.xz, 21.5 %
in a flood of as many lines. Most are SYSCALL records, whose pointers hardly repeat in any case.
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """Size and shape of the process tree."""

    processes: int = 300
    """Alive at a time."""
    depth: int = 8
    """Generations below the first process."""
    fanout: int = 50
    """Most children of a process; the first process has no limit."""

    @classmethod
    def parse(cls, text: str) -> Tree:
        """`N`, `N,DEPTH` or `N,DEPTH,FANOUT`; raises ValueError with a message for the user."""
        words = text.split(",")
        if len(words) > 3 or not all(word.isdecimal() for word in words):
            raise ValueError(f"expected PROCESSES[,DEPTH[,FANOUT]], all whole numbers: {text!r}")
        tree = cls(*map(int, words))
        if not 1 <= tree.depth <= MAX_DEPTH:
            raise ValueError(f"the depth of the tree is from 1 to {MAX_DEPTH}")
        if tree.fanout < 1:
            raise ValueError("a process has at least one child")
        return tree


@dataclass(frozen=True, slots=True)
class Options:
    """Options that determine the bytes of a flood."""

    events: int = 100_000
    mix: Mapping[str, float] = field(default_factory=lambda: mix.DEFAULT)
    tree: Tree = Tree()
    unique: float = UNIQUE
    """Share of events whose records do not repeat."""
    interleave: int = 1
    """Events that are open at a time."""
    enriched: bool = False
    node: str = ""
    eoe: bool = True
    seed: int = 0
    start: int = START
    rate: float | None = None
    """Events per second of the time stamps."""

    @property
    def shows_ends(self) -> bool:
        """True if each end has an event; with fewer exits than forks some processes are killed."""
        births = self.mix.get("fork") or self.mix.get("exec", 0) + self.mix.get("argv", 0)
        return "exit" in self.mix and self.mix["exit"] >= 0.9 * births

    def problem(self) -> str:
        """Returns an error message for the user; empty if the options are valid."""
        least = 2 * self.interleave + 16
        if self.tree.processes < least or self.tree.processes > MAX_PROCESSES:
            return f"processes: from {least} (twice the open events, and 16) to {MAX_PROCESSES}"
        if not 0 <= self.unique <= 1:
            return "unique: from 0 to 1"
        if self.interleave < 1 or self.events < 0 or (self.rate is not None and self.rate <= 0):
            return "events, open events and rate: at least 1"
        if not all(char.isalnum() or char in "-._" for char in self.node) or not (
            self.node.isascii()
        ):
            return "node: letters, digits and -._"
        return ""

    def shown(self) -> dict[str, Any]:
        """Returns the options for the header of the truth, in JSON types."""
        return {**asdict(self), "mix": dict(self.mix)}

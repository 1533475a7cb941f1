"""The interface of a fuzz target."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A property that holds for any bytes, and what to try it with."""

    name: str
    check: Callable[[bytes], None]
    """Raises whatever it likes if an input breaks the property."""
    seeds: Callable[[], Iterable[bytes]]
    """Inputs to start from, the same ones each time."""
    mutate: Callable[[bytes, random.Random], bytes]
    """Makes another input of one, by what is known of its structure."""
    longest: int
    """Bytes that an input may have."""
    plain: tuple[Callable[..., object], ...] = ()
    """Functions of the target's own in which new code counts, too: they do in plain steps what the
    package does by regular expressions, into which libFuzzer does not look."""
    prepare: Callable[[], None] = lambda: None
    """Called once in a process that does nothing but fuzz this target: may change limits."""

"""What a check is, and what it can say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from laurel_mp.doctor.facts import Facts


class Severity(IntEnum):
    """How much it hurts."""

    NOTE = 0
    """Costs something, or is good to know."""
    WARNING = 1
    """Hurts on a busy day, or at the next change."""
    PROBLEM = 2
    """Events are lost, wrong or not there at all, or the host is in danger."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that will hurt."""

    severity: Severity
    where: str
    """Where it was seen: a file with its line, or a command."""
    seen: str
    """What was seen there."""
    why: str
    """Why it hurts: a sentence."""
    do: tuple[str, ...]
    """What to do: commands or lines, in order."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that a check could not look at."""

    reason: str


Result = Finding | Unchecked

Look = Callable[[Facts], Iterable[Result]]


@dataclass(frozen=True, slots=True)
class Check:
    """A question to a host."""

    name: str
    good: str
    """How it is on a host where this check has nothing to say."""
    look: Look
    """Raises UnknownError if it could not look at all."""


def problem(where: str, seen: str, why: str, *do: str) -> Finding:
    """A finding of the worst kind."""
    return Finding(Severity.PROBLEM, where, seen, why, do)


def warning(where: str, seen: str, why: str, *do: str) -> Finding:
    """A finding that hurts under load, or later."""
    return Finding(Severity.WARNING, where, seen, why, do)


def note(where: str, seen: str, why: str, *do: str) -> Finding:
    """A finding that costs something, or that is good to know."""
    return Finding(Severity.NOTE, where, seen, why, do)

"""Checks, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from laurel_mp.doctor.facts import Facts


class Severity(IntEnum):
    """Severity of a finding."""

    NOTE = 0
    """A cost, or a hint."""
    WARNING = 1
    """Causes losses or stalls under load, or after the next change."""
    PROBLEM = 2
    """Events are lost, wrong or not there at all, or the host is in danger."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that causes trouble, and the remedy."""

    severity: Severity
    where: str
    """Source: a file with its line, or a command."""
    seen: str
    """The fact, as found there."""
    why: str
    """The consequence: a sentence."""
    do: tuple[str, ...]
    """The remedy: commands or lines, in order."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A check that could not be made."""

    reason: str


Result = Finding | Unchecked

Look = Callable[[Facts], Iterable[Result]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a host."""

    name: str
    good: str
    """The good state, in which the check finds nothing."""
    look: Look
    """Raises UnknownError if the check cannot be made."""


def problem(where: str, seen: str, why: str, *do: str) -> Finding:
    """Returns a finding of severity problem."""
    return Finding(Severity.PROBLEM, where, seen, why, do)


def warning(where: str, seen: str, why: str, *do: str) -> Finding:
    """Returns a finding of severity warning."""
    return Finding(Severity.WARNING, where, seen, why, do)


def note(where: str, seen: str, why: str, *do: str) -> Finding:
    """Returns a finding of severity note."""
    return Finding(Severity.NOTE, where, seen, why, do)

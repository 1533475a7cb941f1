"""Functions of its owner that a pipeline calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laurel_mp.stages.node_serials import Loss
from laurel_mp.stages.router import Malformed


def _ignore(_argument: object) -> None:
    """Does nothing with an argument."""


def _nothing() -> None:
    """Does nothing."""


def _never() -> bool:
    """Returns False."""
    return False


@dataclass(frozen=True, slots=True)
class Hooks:
    """Functions that do nothing by default."""

    malformed: Callable[[Malformed], None] = _ignore
    """Takes each malformed line, once."""
    losses: Callable[[Sequence[Loss]], None] = _ignore
    """Takes the missing events that a batch has shown, once."""
    stalled: Callable[[], None] = _nothing
    """Called about twice a second while an output that this process writes stalls."""
    must_not_wait: Callable[[], bool] = _never
    """True if this process must not wait for a stalled output any longer."""

"""A crew: the stages behind the router at work, in this process or in others.

Ingest hands batches to it and takes reports. A crew can be stopped at any moment, and a new one
started from a checkpoint.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from laurel_mp.errors import LaurelError
from laurel_mp.pipeline.runner.wire import Report
from laurel_mp.stages.stage_messages import Share


class GaveUpError(LaurelError):
    """A crew was told not to wait for an output any longer."""


OnStall = Callable[[str], None]
"""Called while an output takes nothing, with the reason; raises GaveUpError to have that end."""


class StageRunnerError(LaurelError):
    """A crew cannot go on: a process of it has died or failed, or hangs."""

    def __init__(self, message: str, batch: int = 0, who: str = "") -> None:
        super().__init__(message)
        self.batch = batch
        """The batch that it had in hand, 0 if that is not known."""
        self.who = who
        """The process that is to blame, empty if that is not known."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """What the stages behind the router know at a batch border."""

    decoders: list[bytes]
    tracker: bytes
    assembler: bytes


@dataclass(frozen=True, slots=True)
class Order:
    """What a crew starts with."""

    snapshots: Snapshots | None
    """For its number of workers; None for a beginning."""
    leave_out: int
    """The output of batches up to this number is written, or the journal has it."""
    is_again: bool = False
    """Whether there was a crew before it in this run."""
    is_restart: bool = False
    """Whether the snapshots are those of a run that has ended, so that processes may be others."""


class StageRunner(ABC):
    """The stages behind the router. Not for use from several threads."""

    @abstractmethod
    def start(self, order: Order) -> None:
        """Starts it; `stop` is due whatever comes of it. Raises StageRunnerError or OutputError."""

    @abstractmethod
    def send(self, batch: int, flags: int, shares: list[Share], malformed: bytes) -> None:
        """Hands over a batch without waiting; raises StageRunnerError or OutputError."""

    @abstractmethod
    def receive(self, timeout_ms: int) -> list[Report]:
        """Reports, the first within `timeout_ms`; raises StageRunnerError or OutputError."""

    def filenos(self) -> tuple[int, ...]:
        """One of these is readable when there may be reports."""
        return ()

    def pids(self) -> dict[str, int]:
        """The process ids of its processes, by name; none if it has none of its own."""
        return {}

    def hangs(self) -> StageRunnerError:
        """Why there is no progress, as far as that can be seen."""
        return StageRunnerError("there is no progress")

    @abstractmethod
    def stop(self) -> int:
        """Ends it at once, whatever it is doing.

        Returns the number of the last batch whose output is written, or in the journal; 0 for
        none.
        """

    def unwritten(self) -> Any:
        """What a stopped crew has begun to write, and not written; msgpack can pack it."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Ends it when it has nothing left to do, and waits for that."""

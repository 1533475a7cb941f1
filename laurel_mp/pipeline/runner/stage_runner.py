"""The seam between supervisor and stages: StageRunner, and what passes through it.

There are two implementations: `inline` runs all stages in this process, `parallel` in several.
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
    """Ends the wait for a stalled output: raised by an OnStall."""


OnStall = Callable[[str], None]
"""Called with the reason while an output stalls; raises GaveUpError to end the wait."""


class StageRunnerError(LaurelError):
    """A stage runner cannot continue: one of its processes has ended, failed or hangs."""

    def __init__(self, message: str, batch: int = 0, process: str = "") -> None:
        super().__init__(message)
        self.batch = batch
        """The batch that the process was working on; 0 if unknown."""
        self.process = process
        """Name of the process; empty if unknown."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots of the stages behind the router at one batch border."""

    decoders: list[bytes]
    tracker: bytes
    assembler: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StartState:
    """The state that a stage runner starts from."""

    snapshots: Snapshots | None
    """For its number of workers; None for empty stages."""
    written_through: int
    """Number of the last batch that is in the outputs or in the journal."""
    is_first_start: bool = True
    """True if these outputs are opened for the first time in this run.

    Then an output that cannot be opened is an error; otherwise the writer waits for it.
    """
    is_restart: bool = False
    """True if the snapshots are those of an earlier run: processes may have ended since."""


class StageRunner(ABC):
    """Runs the stages behind the router, and writes the outputs.

    The supervisor calls `start`, then any number of `send` and `receive`, and at last either `stop`
    or `close`. A runner is used once, and by one thread. `start`, `send` and `receive` may raise
    StageRunnerError, or OutputError if an output cannot be used. Then `stop` is due, and a new
    runner continues from the last checkpoint.
    """

    @abstractmethod
    def start(self, state: StartState) -> None:
        """Starts the stages. `stop` is due even if this raises."""

    @abstractmethod
    def send(self, batch: int, flags: int, shares: list[Share], malformed: bytes) -> None:
        """Hands over a batch: a share for each worker, and lines for the parse-error log.

        Batch numbers rise. The inline runner returns when the batch is written; the parallel one
        queues it.
        """

    @abstractmethod
    def receive(self, timeout_ms: int) -> list[Report]:
        """Returns reports; waits up to `timeout_ms` for the first.

        There is an AckMessage for each batch, in order, and a SnapshotMessage of each stage for
        each batch with BARRIER.
        """

    def filenos(self) -> tuple[int, ...]:
        """Returns descriptors; one of them is readable when there may be reports."""
        return ()

    def pids(self) -> dict[str, int]:
        """Returns the process ids of the runner's own processes, by name."""
        return {}

    def explain_hang(self) -> StageRunnerError:
        """Returns an error that names the process that makes no progress, if it is known."""
        return StageRunnerError("there is no progress")

    @abstractmethod
    def stop(self) -> int:
        """Ends the stages at once, whatever they are doing.

        Returns the number of the last batch that is in the outputs or in the journal; 0 for none.
        """

    def unwritten(self) -> Any:
        """Returns what the journal holds and the outputs lack, after `stop`; for msgpack."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Waits until the stages have ended; called after the acknowledgement of a FINAL batch."""

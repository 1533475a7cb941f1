"""Checkpoints: the snapshots of all stages behind one batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from laurel_mp.pipeline.runner.stage_runner import Snapshots
from laurel_mp.pipeline.runner.wire import (
    AckMessage,
    SnapshotMessage,
    WireError,
    decode_report,
    encode_report,
)
from laurel_mp.stages import tracker
from laurel_mp.stages.packing import check, check_part, check_plain, pack_part
from laurel_mp.stages.router import RouterState
from laurel_mp.stages.snapshots import check_together


class CheckpointState(NamedTuple):
    """A checkpoint in a state file; see Checkpoint."""

    number: int
    position: int
    router: bytes
    unrouted: tuple[int, int]
    stages: Snapshots
    ack: list[bytes]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that a stage runner needs to continue behind batch `number`."""

    number: int
    position: int
    """Stream position behind it."""
    router: bytes
    unrouted: tuple[int, int]
    """Malformed lines that the router did not get, and those that it had counted as valid ones."""
    stages: Snapshots
    ack: AckMessage
    """The counters up to there."""

    @property
    def size(self) -> int:
        """Bytes of the snapshots, which are nearly all of it."""
        return sum(map(len, (*self.stages.decoders, self.stages.tracker, self.stages.assembler)))

    def to_plain(self) -> list[Any]:
        """Returns it as a list that msgpack can pack."""
        stages = [self.stages.decoders, self.stages.tracker, self.stages.assembler]
        ack = encode_report(self.ack)
        return [self.number, self.position, self.router, self.unrouted, stages, ack]

    @classmethod
    def of_plain(cls, plain: Any) -> Checkpoint:
        """Reads what `to_plain` returned; raises SnapshotError or WireError for anything else."""
        state = check_plain(plain, CheckpointState)
        ack = decode_report(state.ack)
        if not isinstance(ack, AckMessage):
            raise WireError("the checkpoint has no counters")
        ack = check_part(pack_part(ack), AckMessage)
        return cls(state.number, state.position, state.router, state.unrouted, state.stages, ack)

    def check(self) -> None:
        """Raises SnapshotError unless stages can continue from it: stages themselves trust it."""
        check(self.router, RouterState)
        check_together(self.stages.decoders, self.stages.assembler)
        tracker.check_snapshot(self.stages.tracker)


@dataclass(slots=True)
class PendingCheckpoint:
    """Collects the parts of a checkpoint."""

    number: int
    position: int
    workers: int
    router: bytes
    unrouted: tuple[int, int]
    parts: dict[tuple[str, int], bytes] = field(default_factory=dict)
    ack: AckMessage | None = None

    def add(self, part: SnapshotMessage) -> None:
        """Adds the snapshot of a stage."""
        self.parts[part.role, part.number] = part.snapshot

    def acknowledge(self, ack: AckMessage) -> None:
        """Adds the acknowledgement of the batch."""
        self.ack = ack

    def complete(self) -> Checkpoint | None:
        """Returns the checkpoint if all its parts are there."""
        if len(self.parts) < self.workers + 2 or self.ack is None:
            return None
        decoders = [self.parts["worker", index] for index in range(self.workers)]
        stages = Snapshots(decoders, self.parts["tracker", 0], self.parts["writer", 0])
        return Checkpoint(self.number, self.position, self.router, self.unrouted, stages, self.ack)

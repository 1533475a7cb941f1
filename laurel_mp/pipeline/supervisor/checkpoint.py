"""Checkpoints: what all stages know behind one batch, from which everything can go on."""

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
    """A checkpoint as a file holds it; see there."""

    number: int
    position: int
    router: bytes
    beside: tuple[int, int]
    stages: Snapshots
    ack: list[bytes]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that is needed to go on behind batch `number`."""

    number: int
    position: int
    """Stream position behind it."""
    router: bytes
    beside: tuple[int, int]
    """Malformed lines that the router has not seen, and those that it had taken for others."""
    stages: Snapshots
    ack: AckMessage
    """What had become of the lines up to there."""

    @property
    def size(self) -> int:
        """Bytes of what the stages know, which is nearly all of it."""
        return sum(map(len, (*self.stages.decoders, self.stages.tracker, self.stages.assembler)))

    def to_plain(self) -> list[Any]:
        """The same as msgpack has it."""
        stages = [self.stages.decoders, self.stages.tracker, self.stages.assembler]
        ack = encode_report(self.ack)
        return [self.number, self.position, self.router, self.beside, stages, ack]

    @classmethod
    def of_plain(cls, plain: Any) -> Checkpoint:
        """The same, unpacked; raises an exception of bad data for anything else."""
        state = check_plain(plain, CheckpointState)
        ack = decode_report(state.ack)
        if not isinstance(ack, AckMessage):
            raise WireError("the checkpoint has no counters")
        ack = check_part(pack_part(ack), AckMessage)
        return cls(state.number, state.position, state.router, state.beside, state.stages, ack)

    def check(self) -> None:
        """Raises SnapshotError unless stages can go on from it: stages themselves trust it."""
        check(self.router, RouterState)
        check_together(self.stages.decoders, self.stages.assembler)
        tracker.check_snapshot(self.stages.tracker)


@dataclass(slots=True)
class PendingCheckpoint:
    """A checkpoint whose parts are still on their way."""

    number: int
    position: int
    workers: int
    router: bytes
    beside: tuple[int, int]
    parts: dict[tuple[str, int], bytes] = field(default_factory=dict)
    ack: AckMessage | None = None

    def add(self, part: SnapshotMessage) -> None:
        """A stage has told what it knows."""
        self.parts[part.role, part.number] = part.snapshot

    def acknowledge(self, ack: AckMessage) -> None:
        """The batch is written."""
        self.ack = ack

    def complete(self) -> Checkpoint | None:
        """The checkpoint, if all its parts are there."""
        if len(self.parts) < self.workers + 2 or self.ack is None:
            return None
        decoders = [self.parts["worker", index] for index in range(self.workers)]
        stages = Snapshots(decoders, self.parts["tracker", 0], self.parts["writer", 0])
        return Checkpoint(self.number, self.position, self.router, self.beside, stages, self.ack)

"""Checkpoints: what all stages know behind one batch, from which everything can go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from laurel_mp.pipeline.crew import Snapshots
from laurel_mp.pipeline.wire import SnapshotMessage


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

    def to_plain(self) -> list[Any]:
        """The same as msgpack has it."""
        stages = [self.stages.decoders, self.stages.tracker, self.stages.assembler]
        return [self.number, self.position, self.router, self.beside, stages]

    @classmethod
    def of_plain(cls, plain: list[Any]) -> Checkpoint:
        """The same, unpacked."""
        number, position, router, (skipped, withdrawn), stages = plain
        return cls(number, position, router, (skipped, withdrawn), Snapshots(*stages))


@dataclass(slots=True)
class Gathering:
    """A checkpoint whose parts are still on their way."""

    number: int
    position: int
    workers: int
    router: bytes
    beside: tuple[int, int]
    parts: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def add(self, part: SnapshotMessage) -> None:
        """A stage has told what it knows."""
        self.parts[part.role, part.number] = part.snapshot

    def complete(self) -> Checkpoint | None:
        """The checkpoint, if all its parts are there."""
        if len(self.parts) < self.workers + 2:
            return None
        decoders = [self.parts["worker", index] for index in range(self.workers)]
        stages = Snapshots(decoders, self.parts["tracker", 0], self.parts["writer", 0])
        return Checkpoint(self.number, self.position, self.router, self.beside, stages)

"""Batches that no checkpoint covers: a new stage runner gets them again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from laurel_mp.errors import SnapshotError
from laurel_mp.pipeline.runner.batches import Batch


class ReplayBuffer:
    """Keeps batches in order: numbers and positions rise."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()
        self.bytes = 0
        """Bytes of the window that they take."""

    def __bool__(self) -> bool:
        return bool(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches)

    @property
    def last(self) -> Batch | None:
        """The last batch, if there is one."""
        return self._batches[-1] if self._batches else None

    def with_number(self, number: int) -> Batch | None:
        """Returns the batch to which a number belongs."""
        for batch in self._batches:
            if batch.number <= number <= batch.last_number:
                return batch
        return None

    def add(self, batch: Batch) -> None:
        """Adds a batch."""
        self._batches.append(batch)
        self.bytes += batch.cost

    def replace(self, batch: Batch, parts: Iterable[Batch]) -> None:
        """Replaces a batch by its parts."""
        at = self._batches.index(batch)
        self.bytes -= batch.cost
        del self._batches[at]
        for number, part in enumerate(parts, at):
            self._batches.insert(number, part)
            self.bytes += part.cost

    def release(self, upto: int) -> Iterator[Batch]:
        """Removes all batches up to a number; yields them in turn."""
        while self._batches and self._batches[0].number <= upto:
            batch = self._batches.popleft()
            self.bytes -= batch.cost
            yield batch

    def to_plain(self) -> list[Any]:
        """Returns all batches as a list that msgpack can pack."""
        return [batch.to_plain() for batch in self._batches]

    def restore(self, plain: Iterable[Any], number: int, position: int) -> None:
        """Adds what `to_plain` returned, behind batch `number`, which ends at `position`.

        Raises SnapshotError unless numbers and positions rise from there on.
        """
        for each in plain:
            batch = Batch.of_plain(each)
            if batch.number <= number or batch.position < position or not batch.span:
                raise SnapshotError(f"batch {batch.number} behind {number}")
            number, position = batch.last_number, batch.position + len(batch.lines)
            self.add(batch)

"""The writer's stage: bodies and annotations into lines, in the order of the stream."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Annotated, NamedTuple, TypeVar

from laurel_mp.errors import SnapshotError
from laurel_mp.events.output import FILTERED
from laurel_mp.stages.messages import Annotations, DecodedBodies, Merged
from laurel_mp.stages.packing import pack, unpack

Item = TypeVar("Item")


Waiting = dict[int, Annotated[bytes, re.compile(rb"[^\n\0]*")]]
"""Annotations that wait for their event to be complete, by row, for one worker."""


@dataclass(slots=True)
class AssemblerCounters:
    """What was given out, since the start."""

    events: int = 0
    filtered_events: int = 0
    filtered_lines: int = 0
    """Lines of filtered events."""


class AssemblerState(NamedTuple):
    """An assembler between two batches."""

    waiting: list[Waiting]
    counters: AssemblerCounters


class Assembler:
    """Puts together what workers and tracker made of each batch."""

    def __init__(
        self, workers: int, line_prefix: bytes = b"", filtered_prefix: bytes = b""
    ) -> None:
        self._line_prefix = line_prefix
        self._filtered_prefix = filtered_prefix
        self._waiting: list[Waiting] = [{} for _ in range(max(workers, 1))]
        self.counters = AssemblerCounters()

    def snapshot(self) -> bytes:
        """What another one can go on from, between two batches: a packed AssemblerState."""
        return pack(AssemblerState(self._waiting, self.counters))

    def restore(self, snapshot: bytes) -> None:
        """Goes on from there; only for one of as many workers, and that has merged nothing yet.

        A snapshot that comes from elsewhere must have been checked. Raises SnapshotError.
        """
        waiting, counters = unpack(snapshot, AssemblerState)
        if len(waiting) != len(self._waiting):
            raise SnapshotError(f"snapshot of {len(waiting)} workers, not {len(self._waiting)}")
        self._waiting, self.counters = waiting, counters

    def merge(
        self, bodies: list[DecodedBodies], annotations: list[tuple[int, Annotations]]
    ) -> Merged:
        """The events that were completed in one batch.

        Both lists are by worker; annotations come with the number of their first row.
        """
        texts = [
            self._splice(worker, decoded, base, answers)
            for worker, (decoded, (base, answers)) in enumerate(
                zip(bodies, annotations, strict=True)
            )
        ]
        filled = [
            # Without sizes there are no filters, but verdicts may wait from when there were.
            (text if decoded.sizes else text.replace(FILTERED, b""), decoded)
            for text, decoded in zip(texts, bodies, strict=True)
            if text
        ]
        if not filled:
            return Merged(b"", b"")
        filtered = b""
        if any(FILTERED in text for text, _ in filled):
            text, filtered = self._filter(_interleave(filled), _sizes(filled))
        elif len(filled) == 1 and not filled[0][1].ranks:
            text = filled[0][0]
        else:
            text = b"\n".join(_interleave(filled)) + b"\n"
        self.counters.events += text.count(b"\n")
        return Merged(
            _with_prefix(text, self._line_prefix), _with_prefix(filtered, self._filtered_prefix)
        )

    def _splice(
        self, worker: int, decoded: DecodedBodies, base: int, answers: Annotations
    ) -> bytes:
        """The text of one worker with its marks replaced by what they wait for."""
        waiting = self._waiting[worker]
        waiting.update(enumerate(answers, base))
        for row in array("Q", decoded.unused):
            del waiting[row]
        if not decoded.rows:
            return decoded.text
        pieces = decoded.text.split(b"\0")
        found = map(waiting.pop, array("Q", decoded.rows))
        last = pieces.pop()
        return b"".join(chain(chain.from_iterable(zip(pieces, found, strict=True)), (last,)))

    def _filter(self, lines: list[bytes], sizes: list[int]) -> tuple[bytes, bytes]:
        kept, filtered = [], []
        for line, size in zip(lines, sizes, strict=True):
            if FILTERED in line:
                filtered.append(line.replace(FILTERED, b"") + b"\n")
                self.counters.filtered_lines += size
            else:
                kept.append(line + b"\n")
        self.counters.filtered_events += len(filtered)
        return b"".join(kept), b"".join(filtered)

    @property
    def waiting(self) -> int:
        """Annotations whose event is not complete."""
        return sum(map(len, self._waiting))


def _interleave(filled: list[tuple[bytes, DecodedBodies]]) -> list[bytes]:
    """The lines of all workers in the order of their completion."""
    lines = list(chain.from_iterable(text.split(b"\n")[:-1] for text, _ in filled))
    return list(_ordered(lines, filled))


def _sizes(filled: list[tuple[bytes, DecodedBodies]]) -> list[int]:
    """How many lines each event has, in the same order."""
    sizes = list(chain.from_iterable(array("Q", decoded.sizes) for _, decoded in filled))
    return list(_ordered(sizes, filled))


def _ordered(items: list[Item], filled: list[tuple[bytes, DecodedBodies]]) -> tuple[Item, ...]:
    """`items`, one for each event of all workers, by key and rank.

    Also the events of a single worker are put in order where they have ranks: several clock
    marks can stand at one position.
    """
    keys = array("Q", b"".join([decoded.keys for _, decoded in filled]))
    ranks = array(
        "Q", b"".join([decoded.ranks or bytes(len(decoded.keys)) for _, decoded in filled])
    )
    by = list(zip(keys, ranks, strict=True)) if any(ranks) else keys
    order = sorted(range(len(items)), key=by.__getitem__)
    return itemgetter(*order)(items) if len(order) > 1 else (items[order[0]],)


def _with_prefix(text: bytes, prefix: bytes) -> bytes:
    if not prefix or not text:
        return text
    return prefix + text[:-1].replace(b"\n", b"\n" + prefix) + b"\n"

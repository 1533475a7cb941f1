"""The writer's stage: joins bodies and annotations into lines, in the order of the stream."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Annotated, Any, NamedTuple

from laurel_mp.errors import SnapshotError
from laurel_mp.events.reassembly.bodies import FILTERED, NO_QUERY
from laurel_mp.stages.loss_reporter import (
    LATEST_RANK,
    NOTHING,
    Line,
    LossOptions,
    LossReporter,
    LossReporterState,
)
from laurel_mp.stages.node_serials import Loss
from laurel_mp.stages.packing import pack, unpack
from laurel_mp.stages.stage_messages import Annotations, DecodedBodies, Merged


class _Events(NamedTuple):
    """Parts of events, in the order in which they are written."""

    heads: Sequence[bytes]
    answers: Sequence[bytes]
    tails: Sequence[bytes]


Waiting = dict[int, Annotated[bytes, re.compile(rb"[^\n\0]*")]]
"""Annotations of one worker whose event is not complete, by the number of the query."""


@dataclass(slots=True)
class AssemblerCounters:
    """Counts lines of the output, since the start."""

    events: int = 0
    filtered_events: int = 0
    filtered_lines: int = 0
    """Lines of filtered events."""
    loss_lines: int = 0
    """Lines that report losses."""


class AssemblerState(NamedTuple):
    """State of an assembler between two batches."""

    waiting: list[Waiting]
    counters: AssemblerCounters
    losses: LossReporterState = NOTHING


class Assembler:
    """Joins the results of workers and tracker for each batch."""

    def __init__(self, workers: int, losses: LossOptions | None = None) -> None:
        self._waiting: list[Waiting] = [{} for _ in range(max(workers, 1))]
        self._losses = LossReporter(losses or LossOptions())
        self.counters = AssemblerCounters()
        self.losses: tuple[Loss, ...] = ()
        """LossReporter that the last batch has shown."""

    def snapshot(self) -> bytes:
        """Returns the state between two batches: a packed AssemblerState."""
        return pack(AssemblerState(self._waiting, self.counters, self._losses.state()))

    def restore(self, snapshot: bytes) -> None:
        """Continues from a snapshot of as many workers; only before the first batch.

        A snapshot from a file must have been checked. Raises SnapshotError.
        """
        waiting, counters, losses = unpack(snapshot, AssemblerState)
        if len(waiting) != len(self._waiting):
            raise SnapshotError(f"snapshot of {len(waiting)} workers, not {len(self._waiting)}")
        self._waiting, self.counters = waiting, counters
        self._losses.restore(losses)

    @property
    def awaits_clock(self) -> bool:
        """True if the clock alone may reveal more losses."""
        return self._losses.is_waiting

    def merge(
        self, bodies: list[DecodedBodies], annotations: list[tuple[int, Annotations]]
    ) -> Merged:
        """Returns the lines of the events that were completed in one batch.

        Both lists are by worker; with annotations comes the number of their first query.
        """
        heads: list[bytes] = []
        answered: list[bytes] = []
        tails: list[bytes] = []
        for waiting, decoded, (base, answers) in zip(
            self._waiting, bodies, annotations, strict=True
        ):
            found, spliced = _answered(waiting, decoded, base, answers)
            heads += decoded.heads
            answered += found
            tails += spliced
        losses, lines = self._losses.take([decoded.intervals for decoded in bodies])
        self.losses = tuple(losses)
        filled = [decoded for decoded in bodies if decoded.heads]
        if lines:
            heads += [line.head for line in lines]
            answered += [b""] * len(lines)
            tails += [b""] * len(lines)
            filled.append(_bodies_of(lines, has_sizes=bool(filled and filled[0].sizes)))
        notes = b"".join([note + b"\n" for decoded in bodies for note in decoded.notes])
        self.counters.loss_lines += notes.count(b"\n")
        if not heads:
            return Merged(notes, b"")
        order = _order(filled)
        events = _Events(order(heads), order(answered), order(tails))
        text = b"".join(_pieces(events))
        filtered = b""
        if FILTERED in text:
            # No sizes, no filters; but annotations of an earlier run with filters may be marked.
            if filled[0].sizes:
                sizes = list(chain.from_iterable(decoded.sizes for decoded in filled))
                text, filtered = self._filter(text.split(b"\n")[:-1], order(sizes))
            else:
                text = text.replace(FILTERED, b"")
        self.counters.events += len(heads) - len(lines) - filtered.count(b"\n")
        self.counters.loss_lines += len(lines)
        return Merged(notes + text, filtered)

    def _filter(self, lines: list[bytes], sizes: Sequence[int]) -> tuple[bytes, bytes]:
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
    def given(self) -> int:
        """Number of events, filtered ones included, since the start."""
        return self.counters.events + self.counters.filtered_events

    @property
    def waiting(self) -> int:
        """Number of annotations whose event is not complete."""
        return sum(map(len, self._waiting))


def _answered(
    waiting: Waiting, decoded: DecodedBodies, base: int, answers: Annotations
) -> tuple[list[bytes], list[bytes]]:
    """Returns the answers for the events of one worker, and their tails without marks.

    Moves answers for later events to `waiting`.
    """
    queries = decoded.queries
    early = 0
    while early < len(queries) and queries[early] < base:
        early += 1
    own = len(queries) - early
    if not decoded.more and not decoded.unused and own <= len(answers):
        expected = array("Q", range(base, base + own))
        if queries[early:] == expected:  # the usual case: no events are interleaved
            found = [waiting.pop(query) for query in queries[:early]]
            found += answers[:own]
            waiting.update(enumerate(answers[own:], base + own))
            return found, decoded.tails
    waiting.update(enumerate(answers, base))
    for query in decoded.unused:
        del waiting[query]
    found = [b"" if query == NO_QUERY else waiting.pop(query) for query in queries]
    if not decoded.more:
        return found, decoded.tails
    more = map(waiting.pop, decoded.more)
    return found, [_spliced(tail, more) if b"\0" in tail else tail for tail in decoded.tails]


def _bodies_of(lines: list[Line], *, has_sizes: bool) -> DecodedBodies:
    """Returns bodies that put these lines in order among events."""
    none: array[int] = array("Q")
    keys = array("Q", [line.key for line in lines])
    ranks = array("Q", [LATEST_RANK] * len(lines))
    sizes = array("Q", bytes(8 * len(lines))) if has_sizes else none
    heads = [line.head for line in lines]
    return DecodedBodies(heads, [], keys, ranks, none, none, none, sizes)


def _spliced(tail: bytes, more: Iterator[bytes]) -> bytes:
    """Returns `tail` with each mark replaced by the next item of `more`."""
    first, *others = tail.split(b"\0")
    return first + b"".join([next(more) + other for other in others])


def _pieces(events: _Events) -> list[bytes]:
    """Returns the pieces of the text of all events, in order."""
    pieces = [b"}\n"] * (4 * len(events.heads))
    pieces[::4] = events.heads
    pieces[1::4] = events.answers
    pieces[2::4] = events.tails
    return pieces


def _order(filled: list[DecodedBodies]) -> Callable[[list[Any]], Sequence[Any]]:
    """Returns a function that sorts a list with one item for each event, by key and rank.

    Events of a single worker are sorted, too, if they have ranks: several clock marks can stand at
    one position.
    """
    keys = list(chain.from_iterable(decoded.keys for decoded in filled))
    by: list[Any] = keys
    if any(decoded.ranks for decoded in filled):
        ranks = chain.from_iterable(decoded.ranks or bytes(len(decoded.keys)) for decoded in filled)
        by = list(zip(keys, ranks, strict=True))
    elif len(filled) == 1:
        return _unsorted
    if len(keys) == 1:  # itemgetter would not return a tuple
        return _unsorted
    return itemgetter(*sorted(range(len(keys)), key=by.__getitem__))


def _unsorted(items: list[Any]) -> list[Any]:
    return items

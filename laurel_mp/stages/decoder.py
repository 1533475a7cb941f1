"""The worker's stage: joins lines into events, renders them, and asks the tracker."""

from __future__ import annotations

from array import array

from laurel_mp.events.fast.event_feeder import EventFeeder
from laurel_mp.events.reassembly.bodies import Bodies, clock_key
from laurel_mp.events.reassembly.coalescer import Coalescer, CoalescerState, Limits
from laurel_mp.events.reassembly.content_filters import ContentFilters
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.exec_observer import ExecObserver
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.stages.packing import pack, unpack
from laurel_mp.stages.stage_messages import Decoded, DecodedBodies, DecodedQueries, Share


class Decoder:
    """Decodes one worker's share of a stream, batch by batch."""

    def __init__(
        self,
        options: RecordOptions,
        limits: Limits,
        local_node: bytes = b"",
        observer: ExecObserver | None = None,
        filters: ContentFilters | None = None,
        *,
        collect_serials: bool = True,
    ) -> None:
        self._coalescer = Coalescer(
            options, limits, local_node, observer, filters, collect_serials=collect_serials
        )
        self._feeder = EventFeeder(self._coalescer)
        self._observer = observer

    @property
    def counters(self) -> DecoderCounters:
        """Counts since the start."""
        return self._coalescer.counters

    @property
    def in_flight_lines(self) -> int:
        """Lines of events that are not complete yet."""
        return self._coalescer.in_flight_lines

    @property
    def lines(self) -> int:
        """Lines that were fed, since the start."""
        counters = self.counters
        ended = counters.end_of_event + counters.duplicate + counters.in_events
        return ended + self.in_flight_lines

    def statistics(self) -> dict[str, int]:
        """Returns sizes and limits met, for status reports."""
        found = self._coalescer.statistics()
        return found if self._observer is None else found | self._observer.statistics()

    def forget(self) -> None:
        """Clears all caches of rendered text, when names of users may have changed."""
        self._coalescer.forget()

    def snapshot(self) -> bytes:
        """Returns the state between two batches: a packed CoalescerState."""
        return pack(self._coalescer.state())

    def restore(self, snapshot: bytes) -> None:
        """Continues from a snapshot; only before the first batch.

        A snapshot from a file must have been checked.
        """
        self._coalescer.restore(unpack(snapshot, CoalescerState))

    def decode(self, share: Share) -> Decoded:
        """Returns the events that are complete with this share, and its process queries."""
        coalescer, feed = self._coalescer, self._feeder.feed
        marks = iter(share.marks)
        mark = next(marks, None)
        start = 0
        for position, length in share.segments:
            while mark is not None and mark.position <= position:
                coalescer.clock(*mark)
                mark = next(marks, None)
            feed(share.blob, start, start + length, position - start)
            start += length
        while mark is not None:
            coalescer.clock(*mark)
            mark = next(marks, None)
        if share.final:
            coalescer.finish(share.end)
        bodies, queries = coalescer.take()
        return Decoded(
            DecodedBodies(
                bodies.heads,
                bodies.tails,
                bodies.keys,
                _ranks(bodies),
                bodies.queries,
                bodies.more,
                bodies.unused,
                bodies.sizes,
                coalescer.output.serials.take(),
                share.notes,
            ),
            DecodedQueries(
                queries.base,
                queries.keys,
                bytes(queries.calls),
                queries.processes,
                queries.ids,
                [(clock_key(mark.position), mark.now) for mark in share.marks],
                queries.ranks,
            ),
        )


def _ranks(bodies: Bodies) -> array[int]:
    """Returns a rank for each event; an empty array if all are 0."""
    if not bodies.ranks:
        return bodies.ranks
    ranks = array("Q", bytes(8 * len(bodies.keys)))
    for index, rank in zip(bodies.ranks[::2], bodies.ranks[1::2], strict=True):
        ranks[index] = rank
    return ranks

"""The ways to take events, which all give the output of `Coalescer.feed`."""

from collections.abc import Callable

from laurel_mp.events.fast import event_cutter
from laurel_mp.events.fast.cached_events import CachedEvents
from laurel_mp.events.fast.event_feeder import EventFeeder
from laurel_mp.events.reassembly.coalescer import Coalescer

Feed = Callable[[bytes, int, int, int], None]

Way = Callable[[Coalescer], Feed]
"""Makes a function that feeds a coalescer."""


def by_lines(coalescer: Coalescer) -> Feed:
    """Line by line, which is the definition."""
    return coalescer.feed


def by_cache(coalescer: Coalescer) -> Feed:
    """Whole events, always by caches of rendered text."""
    events = CachedEvents(coalescer)

    def feed(blob: bytes, start: int, end: int, offset: int) -> None:
        for node, begin, finish in event_cutter.runs(blob, start, end):
            events.take(node, blob, begin, finish, offset)

    return feed


def fast(coalescer: Coalescer) -> Feed:
    """As a decoder does it."""
    return EventFeeder(coalescer).feed

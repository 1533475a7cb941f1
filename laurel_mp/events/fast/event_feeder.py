"""Feeds a coalescer the fastest way: chooses how to take the events of each run of lines."""

from __future__ import annotations

from laurel_mp.events.fast import event_cutter
from laurel_mp.events.fast.cached_events import CachedEvents
from laurel_mp.events.fast.matched_events import MatchedEvents
from laurel_mp.events.reassembly.coalescer import Coalescer


class EventFeeder:
    """Takes lines as `Coalescer.feed` does, with the same output in less time."""

    def __init__(self, coalescer: Coalescer) -> None:
        self._coalescer = coalescer
        self._cached = CachedEvents(coalescer)
        self._matched = MatchedEvents(coalescer, self._cached)

    def feed(self, blob: bytes, start: int, end: int, offset: int) -> None:
        """Takes the lines in `blob[start:end]`; an index plus `offset` is a stream position.

        Every line must have a valid header.
        """
        for node, begin, finish in event_cutter.runs(blob, start, end):
            renderer = self._coalescer.output.renderer(node, False)
            bypass = renderer.cache_bypass
            if bypass.is_active:
                matcher = renderer.matcher(node, has_eoe=self._coalescer.has_eoe)
                if matcher is not None:
                    matched = self._matched.take(matcher, node, blob, begin, finish, offset)
                    bypass.note_bypassed(*matched)
                    continue
            bypass.note(*self._cached.take(node, blob, begin, finish, offset))

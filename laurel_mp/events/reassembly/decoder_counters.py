"""Counters of the decoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class DecoderCounters:
    """Counts input lines by outcome, and events, since the start."""

    end_of_event: int = 0
    """EOE records."""
    duplicate: int = 0
    """Lines dropped because their event was complete before."""
    in_events: int = 0
    """Lines that are part of events in the output."""
    events: int = 0
    incomplete: int = 0
    """Events with an INCOMPLETE member."""
    timed_out: int = 0
    """Events completed by timeout, without their end."""
    cut: int = 0
    """Events that exceeded a limit."""
    late: int = 0
    """Incomplete events of which a part was in the output before."""
    no_eoe: int = 0
    """Incomplete events without the expected EOE record."""
    missing_path: int = 0
    """Incomplete events with fewer PATH records than announced."""
    missing_args: int = 0
    """Incomplete events with fewer arguments than announced."""
    only_end: int = 0
    """EOE records of events of which nothing else arrived; these make no event in the output."""

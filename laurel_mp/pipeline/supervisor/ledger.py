"""The ledger: every input line ends in exactly one way, and the counts add up."""

from __future__ import annotations

from dataclasses import dataclass, fields

from laurel_mp.errors import LedgerError
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.stages.assembler import AssemblerCounters


@dataclass(slots=True)
class Ledger:
    """What came in and what became of it. All but `lines` and `events` are lines, too."""

    lines: int = 0
    """Counted where the input is read."""
    malformed: int = 0
    """Without a valid header, or too long."""
    end_of_event: int = 0
    """EOE records: they end an event and are no part of it."""
    duplicate: int = 0
    """Of events that had been completed before: dropped."""
    in_events: int = 0
    """Part of an event that was given out."""
    in_flight: int = 0
    """Part of an event that is not complete."""
    events: int = 0
    """Events that the workers completed."""
    written: int = 0
    """Events that the writer gave out."""
    filtered_events: int = 0
    """Events that a filter took out."""
    filtered: int = 0
    """Lines of those."""
    incomplete: int = 0
    """Events with an INCOMPLETE mark."""
    timed_out: int = 0
    """Events that were over because nothing more of them came."""
    cut: int = 0
    """Events that met a limit."""
    late: int = 0
    """Incomplete events of which a part had been given out before."""
    no_eoe: int = 0
    """Incomplete events whose EOE record did not come."""
    missing_path: int = 0
    """Incomplete events with fewer PATH records than were announced."""
    missing_args: int = 0
    """Incomplete events with fewer arguments than were announced."""
    only_end: int = 0
    """EOE records of events of which nothing else came; they are among `end_of_event`."""
    loss_lines: int = 0
    """Lines of the output that say that events are missing."""

    def add(self, counters: DecoderCounters) -> None:
        """Adds what one worker counted."""
        for each in fields(counters):
            setattr(self, each.name, getattr(self, each.name) + getattr(counters, each.name))

    def add_given(self, counters: AssemblerCounters) -> None:
        """Adds what the writer counted; what was filtered was not given out."""
        self.written += counters.events
        self.filtered_events += counters.filtered_events
        self.filtered += counters.filtered_lines
        self.in_events -= counters.filtered_lines
        self.loss_lines += counters.loss_lines

    def since(self, former: Ledger) -> Ledger:
        """What has come to it since `former`."""
        return Ledger(
            *(getattr(self, each.name) - getattr(former, each.name) for each in fields(self))
        )

    def check(self) -> None:
        """Raises LedgerError unless every line is accounted for, and every event written."""
        fates = (
            self.malformed
            + self.end_of_event
            + self.duplicate
            + self.in_events
            + self.filtered
            + self.in_flight
        )
        if fates != self.lines:
            raise LedgerError(
                f"{self.lines} lines were read, but {fates} accounted for: "
                f"{self.in_events} in events, {self.filtered} in filtered ones, "
                f"{self.end_of_event} ends of events, "
                f"{self.duplicate} duplicates, {self.malformed} malformed, "
                f"{self.in_flight} in flight"
            )
        given = self.written + self.filtered_events
        if self.events != given:
            raise LedgerError(
                f"{self.events} events were completed, but {self.written} written "
                f"and {self.filtered_events} filtered"
            )

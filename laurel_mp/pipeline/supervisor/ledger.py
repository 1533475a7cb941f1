"""The ledger: every input line ends in exactly one way, and the counts add up."""

from __future__ import annotations

from dataclasses import dataclass, fields

from laurel_mp.errors import LedgerError
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.stages.assembler import AssemblerCounters


@dataclass(slots=True)
class Ledger:
    """Counters of input lines and of events."""

    lines: int = 0
    """Counted where the input is read."""
    malformed: int = 0
    """Without a valid header, or too long."""
    end_of_event: int = 0
    """EOE records: they end an event and are no part of it."""
    duplicate: int = 0
    """Of events that had been completed before: dropped."""
    in_events: int = 0
    """Lines of events that were written."""
    in_flight: int = 0
    """Lines of events that are not complete."""
    events: int = 0
    """Events that the workers completed."""
    written: int = 0
    """Events that the writer wrote."""
    filtered_events: int = 0
    """Events that a filter dropped or moved."""
    filtered: int = 0
    """Lines of filtered events."""
    incomplete: int = 0
    """Events with an INCOMPLETE mark."""
    timed_out: int = 0
    """Events that were completed by a time-out."""
    cut: int = 0
    """Events that met a limit."""
    late: int = 0
    """Incomplete events of which a part was written before."""
    no_eoe: int = 0
    """Incomplete events without EOE record."""
    missing_path: int = 0
    """Incomplete events with fewer PATH records than were announced."""
    missing_args: int = 0
    """Incomplete events with fewer arguments than were announced."""
    only_end: int = 0
    """EOE records without any other record of the event; also counted in `end_of_event`."""
    loss_lines: int = 0
    """Lines of the output about missing events."""

    def add(self, counters: DecoderCounters) -> None:
        """Adds the counters of a worker."""
        for each in fields(counters):
            setattr(self, each.name, getattr(self, each.name) + getattr(counters, each.name))

    def add_given(self, counters: AssemblerCounters) -> None:
        """Adds the counters of the writer, which knows what was filtered."""
        self.written += counters.events
        self.filtered_events += counters.filtered_events
        self.filtered += counters.filtered_lines
        self.in_events -= counters.filtered_lines
        self.loss_lines += counters.loss_lines

    def since(self, former: Ledger) -> Ledger:
        """Returns the growth since `former`."""
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

"""What ingest contributes to the register about the whole run."""

from __future__ import annotations

from laurel_mp.observe.measures import Row
from laurel_mp.pipeline.ledger import Ledger


def ledger_row(ledger: Ledger) -> Row:
    """A ledger under the names that it is shown with."""
    return {
        "lines": ledger.lines,
        "event_lines": ledger.in_events,
        "filtered_lines": ledger.filtered,
        "end_of_event_lines": ledger.end_of_event,
        "duplicate_lines": ledger.duplicate,
        "malformed_lines": ledger.malformed,
        "lines_in_flight": ledger.in_flight,
        "events": ledger.events,
        "written_events": ledger.written,
        "filtered_events": ledger.filtered_events,
        "incomplete_events": ledger.incomplete,
        "timed_out_events": ledger.timed_out,
        "cut_events": ledger.cut,
        "late_events": ledger.late,
        "events_without_end": ledger.no_eoe,
        "events_without_path": ledger.missing_path,
        "events_without_argument": ledger.missing_args,
        "events_of_only_an_end": ledger.only_end,
        "loss_lines": ledger.loss_lines,
    }

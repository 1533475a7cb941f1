"""The ledger balances, or it is an error."""

from dataclasses import fields, replace

import pytest

from laurel_mp.errors import LedgerError
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.pipeline.supervisor.ledger import Ledger

BALANCED = Ledger(
    lines=15,
    malformed=1,
    end_of_event=2,
    duplicate=3,
    in_events=4,
    in_flight=5,
    events=6,
    written=6,
    incomplete=1,
    timed_out=1,
    cut=1,
)


def test_balanced() -> None:
    """A ledger in which every line has one fate is accepted."""
    BALANCED.check()
    Ledger().check()


@pytest.mark.parametrize(
    "name",
    [
        "lines",
        "malformed",
        "end_of_event",
        "duplicate",
        "in_events",
        "in_flight",
        "events",
        "written",
    ],
)
@pytest.mark.parametrize("by", [-1, 1])
def test_mismatch(name: str, by: int) -> None:
    """One line or event too many or too few is an error that shows the numbers."""
    wrong = replace(BALANCED, **{name: getattr(BALANCED, name) + by})

    with pytest.raises(LedgerError, match=r"\d+ lines were read, but \d+|\d+ events were"):
        wrong.check()


def test_every_counter_is_added() -> None:
    """All that a worker counts gets into the ledger."""
    counters = DecoderCounters(*range(1, len(fields(DecoderCounters)) + 1))
    ledger = Ledger()
    ledger.add(counters)
    ledger.add(counters)

    for each in fields(DecoderCounters):
        assert 2 * getattr(counters, each.name) == getattr(ledger, each.name)

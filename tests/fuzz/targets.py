"""All targets by name."""

from __future__ import annotations

from tests.fuzz.configurations import CONFIGURATIONS
from tests.fuzz.headers import HEADERS
from tests.fuzz.records import RECORDS
from tests.fuzz.states import SNAPSHOTS, STATES
from tests.fuzz.streams import STREAMS

TARGETS = {
    target.name: target for target in (HEADERS, RECORDS, STREAMS, CONFIGURATIONS, STATES, SNAPSHOTS)
}

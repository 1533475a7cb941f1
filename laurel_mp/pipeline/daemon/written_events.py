"""Finds events that are in the outputs already, after a run that was killed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from laurel_mp.formats.event_format import Identity
from laurel_mp.formats.registry import FORMATS
from laurel_mp.outputs.sink import Sink
from laurel_mp.pipeline.runner.run_outputs import Outputs

LOOKED_AT = 256 << 20
"""Bytes of the newest output that are searched."""


def events_in(outputs: Outputs, wanted: set[bytes]) -> set[bytes]:
    """Returns those of the events `wanted` that are in files; each is `id` or `node id`."""
    return {
        found.key
        for sink in outputs.sinks
        if sink.takes != "malformed" and sink.target.is_path
        for found in _newest(sink)
        if found.key in wanted
    }


def _newest(sink: Sink) -> Iterator[Identity]:
    """Yields the events in the newest files, up to a limit."""
    left = LOOKED_AT
    name, identities = sink.target.name, FORMATS[sink.format].identities
    for number in range(sink.target.generations + 1):
        path = Path(f"{name}.{number}" if number else name)
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as text:
                yield from identities(text, max(len(text) - left, 0))
                left -= len(text)
        except (OSError, ValueError):  # missing, not a file, or empty
            continue
        if left <= 0:
            return

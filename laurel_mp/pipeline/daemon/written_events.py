"""Which events stand in the outputs already: for a run whose predecessor was killed."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path

from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.records.strings import decode

LOOKED_AT = 256 << 20
"""Bytes of the latest output that are looked through."""

# Within a JSON string there is no quotation mark without a backslash before it.
_events = re.compile(rb'\{"ID":"([^"]+)"(?:,"NODE":("[^"]*"))?').finditer


def events_in(outputs: Outputs, wanted: set[bytes]) -> set[bytes]:
    """Those of the events `wanted`, each `id` or `node id`, that files of the outputs have."""
    found = set()
    for target in (outputs.events, outputs.filtered):
        if target is not None and target.is_path:
            for id_, node in _newest(target):
                key = id_ if node is None else decode(node) + b" " + id_
                if key in wanted:
                    found.add(key)
    return found


def _newest(target: Target) -> Iterator[tuple[bytes, bytes | None]]:
    """The events in the newest files, up to a limit."""
    left = LOOKED_AT
    for number in range(target.generations + 1):
        path = Path(f"{target.name}.{number}" if number else target.name)
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as text:
                for match in _events(text, max(len(text) - left, 0)):
                    id_, node = match.groups()
                    yield id_, node
                left -= len(text)
        except (OSError, ValueError):  # not there, no file, or empty
            continue
        if left <= 0:
            return

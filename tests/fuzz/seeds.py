"""Pieces of the real captures to start from: few, but of each kind one."""

from __future__ import annotations

import functools

from laurel_mp.records.header import LINE
from tests.support.corpus import corpus_bytes, corpus_files

EVENTS_PER_FILE = 120
"""Of one capture, at most so many; they start with different lists of record types."""


@functools.cache
def events(longest: int = 3000) -> tuple[bytes, ...]:
    """Runs of lines with one id, with their ends of events; of each list of types, one a file."""
    found: dict[tuple[object, ...], bytes] = {}
    for path in corpus_files():
        kinds: dict[tuple[bytes, ...], bytes] = {}
        lines: dict[bytes, list[tuple[bytes, bytes]]] = {}
        for match in LINE.finditer(corpus_bytes(path), 0, 2_000_000):
            lines.setdefault(match["id"], []).append((match["type"], match[0]))
        for of_event in lines.values():
            text = b"".join([line for _, line in of_event])
            if len(text) <= longest and len(kinds) < EVENTS_PER_FILE:
                kinds.setdefault(tuple(name for name, _ in of_event), text)
        found |= {(path.name, kind): text for kind, text in kinds.items()}
    return tuple(found.values())


def lines() -> tuple[bytes, ...]:
    """All lines of `events`, without their newline."""
    return tuple(dict.fromkeys(line for event in events() for line in event.split(b"\n") if line))

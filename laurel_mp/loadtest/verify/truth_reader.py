"""Reads the truth of a flood line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from laurel_mp.errors import InputError
from laurel_mp.loadtest.verify.checks import JsonObject

VERSION = 1


class TruthReader:
    """Reads the truth about events, in the order in which they are complete."""

    def __init__(self, name: str, lines: Iterable[bytes]) -> None:
        """`name` is for messages; raises InputError for other files."""
        self._name = name
        self._lines = iter(lines)
        header = self._parsed(next(self._lines, b""))
        if header.get("truth") != VERSION:
            raise InputError(f"{name}: is no truth that this laurel-mp can read")
        options = header.get("options")
        announced = options.get("events") if isinstance(options, dict) else None
        self.announced: int | None = announced if isinstance(announced, int) else None
        """Planned events; None if unknown."""

    def events(self) -> Iterator[tuple[str, bool, bytes]]:
        """Yields each event's key, True if it has a place in the order, and its line."""
        for line in self._lines:
            event = self.parsed(line)
            yield key_of(event.get("node", ""), event["id"]), event["end"] != "timeout", line

    def parsed(self, line: bytes) -> JsonObject:
        """Parses the line of an event; raises InputError."""
        event = self._parsed(line)
        if not isinstance(event.get("id"), str) or "end" not in event:
            raise InputError(f"{self._name}: is damaged: {line[:80]!r}")
        return event

    def _parsed(self, line: bytes) -> JsonObject:
        try:
            value = orjson.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise InputError(f"{self._name}: is no truth of a flood: {line[:80]!r}")
        return value


def key_of(node: str, id_: str) -> str:
    """Returns a key with the node, since ids are unique per node only."""
    return f"{node} {id_}" if node else id_

"""The truth that a flood has written, read line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from laurel_mp.errors import InputError
from laurel_mp.loadtest.verify.checks import JsonObject

VERSION = 1


class Truth:
    """What is true of a flood's events, in the order in which they are complete."""

    def __init__(self, name: str, lines: Iterable[bytes]) -> None:
        """`name` is for messages; raises InputError if it is no truth."""
        self._name = name
        self._lines = iter(lines)
        header = self._parsed(next(self._lines, b""))
        if header.get("truth") != VERSION:
            raise InputError(f"{name}: is no truth that this laurel-mp can read")
        options = header.get("options")
        announced = options.get("events") if isinstance(options, dict) else None
        self.announced: int | None = announced if isinstance(announced, int) else None
        """How many events were to come."""

    def events(self) -> Iterator[tuple[str, bool, bytes]]:
        """Each event's key, whether it has a place in the order, and its line for `parsed`."""
        for line in self._lines:
            event = self.parsed(line)
            yield key_of(event.get("node", ""), event["id"]), event["end"] != "timeout", line

    def parsed(self, line: bytes) -> JsonObject:
        """A line of an event; raises InputError."""
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
    """What tells events apart: ids are those of a node."""
    return f"{node} {id_}" if node else id_

"""Members of a record's object: which stand in the record, and which were added to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from laurel_mp.records.message import UNPARSED
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.reversion.spellings import Json

Object = Mapping[str, Json]
"""A JSON object, its members in their order."""

Member = tuple[bytes, Json]
"""A key, and a value as JSON decoders give it."""


class Added(NamedTuple):
    """A member that was added."""

    key: str
    """As it stands there."""
    name: bytes
    """As auditd and LAUREL have it, in upper case whatever the prefix."""
    value: Json


class Members(NamedTuple):
    """The members of one object."""

    raw: list[Member]
    added: list[Added]


class Keys:
    """Knows the keys that are added, by the prefix they have; without one, upper case tells."""

    def __init__(self, options: RecordOptions) -> None:
        self._prefix = None if options.prefix is None else options.prefix.decode("utf-8")
        self._options = options
        self._unparsed = self.added(UNPARSED)
        self.unparsed = options.added(UNPARSED)

    def added(self, name: bytes) -> str:
        """The key of what is added under `name`."""
        return self._options.added(name).decode("utf-8")

    def splits(self, found: Object) -> Iterator[Members]:
        """Takes an object apart, in two ways at most: what is added stands behind all the rest.

        The second one is for records that have keys of their own that look like added ones.
        """
        members = list(found.items())
        first = 1 + max([i for i, each in enumerate(members) if _is_message(each)], default=-1)
        while first < len(members) and not self._is_added(members[first][0]):
            first += 1
        last = len(members)
        while last and self._is_added(members[last - 1][0]):
            last -= 1
        for place in sorted({first, last}):
            raw = [(key.encode("utf-8"), value) for key, value in members[:place]]
            added = [Added(key, self._name(key), value) for key, value in members[place:]]
            yield Members(raw, added)

    def _is_added(self, key: str) -> bool:
        if key == self._unparsed:
            return False  # words that belong to no field stand behind the others, raw as they are
        return key.isupper() if self._prefix is None else key.startswith(self._prefix)

    def _name(self, key: str) -> bytes:
        if key == self._unparsed:
            return UNPARSED.upper()
        if self._prefix is None or not key.startswith(self._prefix):
            return key.encode("utf-8")
        return key.removeprefix(self._prefix).upper().encode("utf-8")


def _is_message(member: tuple[str, Json]) -> bool:
    """Whether this is what stands in `msg='…'`, which nobody adds."""
    key, value = member
    return key == "msg" and isinstance(value, dict)

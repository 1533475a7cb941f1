"""Divides the members of a record's object into those of the record and added ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from laurel_mp.records.message import UNPARSED
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.reversion.spellings import Json

Object = Mapping[str, Json]
"""A JSON object, its members in order."""

Member = tuple[bytes, Json]
"""A key, and a value as JSON decoders return it."""


class Added(NamedTuple):
    """An added member."""

    key: str
    """Key with the prefix."""
    name: bytes
    """Name in upper case, without the prefix, as auditd and LAUREL have it."""
    value: Json


class Members(NamedTuple):
    """The members of one object."""

    raw: list[Member]
    added: list[Added]


class Keys:
    """Recognises added keys, by their prefix, or by upper case if there is no prefix."""

    def __init__(self, options: RecordOptions) -> None:
        self._prefix = None if options.prefix is None else options.prefix.decode("utf-8")
        self._options = options
        self._unparsed = self.added(UNPARSED)
        self.unparsed = options.added(UNPARSED)

    def added(self, name: bytes) -> str:
        """Returns the key of the added member `name`."""
        return self._options.added(name).decode("utf-8")

    def splits(self, found: Object) -> Iterator[Members]:
        """Divides an object in two ways at most: added members are behind all others.

        The second way is for records with own keys that look like added ones.
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
            return False  # words that belong to no field are the last raw member
        return key.isupper() if self._prefix is None else key.startswith(self._prefix)

    def _name(self, key: str) -> bytes:
        if key == self._unparsed:
            return UNPARSED.upper()
        if self._prefix is None or not key.startswith(self._prefix):
            return key.encode("utf-8")
        return key.removeprefix(self._prefix).upper().encode("utf-8")


def _is_message(member: tuple[str, Json]) -> bool:
    """True for the member of `msg='…'`, which is never an added one."""
    key, value = member
    return key == "msg" and isinstance(value, dict)

"""Members of a record's object: which stand in the record, and which were added to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from laurel_mp.records.message import UNPARSED
from laurel_mp.records.options import RecordOptions
from laurel_mp.reversion.values import Json

Object = Mapping[str, Json]
"""A JSON object, its members in their order."""

Member = tuple[bytes, Json]
"""A key, and a value as JSON decoders give it."""


class Added(NamedTuple):
    """A member that was added."""

    key: str
    """As it stands there."""
    name: bytes
    """In upper case, as auditd and LAUREL have it, whatever the prefix."""
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
        self.unparsed = options.added(UNPARSED)

    def added(self, name: bytes) -> str:
        """The key of what is added under `name`."""
        return self._options.added(name).decode("utf-8")

    def split(self, found: Object) -> Members:
        """Takes an object apart: what is added stands behind all that stands in the record."""
        members = list(found.items())
        count = len(members)
        while count and self._is_added(members[count - 1][0]):
            count -= 1
        raw = [(key.encode("utf-8"), value) for key, value in members[:count]]
        added = [Added(key, self._name(key), value) for key, value in members[count:]]
        return Members(raw, added)

    def _is_added(self, key: str) -> bool:
        return key.isupper() if self._prefix is None else key.startswith(self._prefix)

    def _name(self, key: str) -> bytes:
        return key.removeprefix(self._prefix or "").upper().encode("utf-8")

"""Filters events by their process."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from laurel_mp.processes.labels import Labels
from laurel_mp.records.fields import parse
from laurel_mp.records.message import split_message
from laurel_mp.records.values import text_of

TextFilter = Callable[[bytes], bool]
"""Says of one text that it is filtered."""

NamesFilter = Callable[[Collection[bytes]], bool]
"""Says of a set of names that they are filtered; there may be none."""


def any_of(names: frozenset[bytes]) -> NamesFilter:
    """Returns a filter that matches if one of `names` is there."""
    return lambda found: not names.isdisjoint(found)


def is_empty(names: Collection[bytes]) -> bool:
    """True if there are no names: a `NamesFilter`."""
    return not names


@dataclass(frozen=True, slots=True)
class ProcessFilters:
    """Filters events by rule key, label, program, user and service; None filters nothing.

    With `keep_first`, filters by key or label keep the first event of a process instance, so that
    each program that ran is seen once. Filters by program, user and service have no exception.
    """

    keys: NamesFilter | None = None
    labels: NamesFilter | None = None
    programs: TextFilter | None = None
    users: TextFilter | None = None
    """Takes user ids in digits."""
    services: NamesFilter | None = None
    keep_first: bool = True

    def __bool__(self) -> bool:
        filters = (self.keys, self.labels, self.programs, self.users, self.services)
        return any(each is not None for each in filters)

    def by_rule(self, keys: tuple[bytes, ...], labels: Labels) -> bool:
        """True if the rule keys of an event, or the labels of its process, match."""
        return (self.keys is not None and self.keys(keys)) or (
            self.labels is not None and self.labels(labels)
        )

    def by_process(self, exe: bytes, uid: bytes, services: tuple[bytes, ...]) -> bool:
        """True if the program, the user or one of the services matches."""
        return (
            (self.users is not None and self.users(uid))
            or (self.services is not None and self.services(services))
            or (self.programs is not None and self.programs(exe))
        )


class UserRecordFilter:
    """Filters records from user space, by the sender's user and by the program it claims to be."""

    def __init__(self, programs: TextFilter | None, users: TextFilter | None) -> None:
        self._programs = programs
        self._users = users

    def matches(self, body: bytes) -> bool:
        """True if the body of a record matches."""
        header, message = split_message(body)
        for field_ in parse(header):
            if field_.key == b"uid":
                if self._users is not None and self._users(field_.text):
                    return True
                break  # the first one is the kernel's
        if self._programs is None:
            return False
        return any(
            field_.key == b"exe" and self._programs(text_of(field_) or b"")
            for field_ in parse(header if message is None else message)
        )

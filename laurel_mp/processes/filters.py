"""Filters events by their process."""

from __future__ import annotations

from dataclasses import dataclass, field

from laurel_mp.processes.labels import NONE, Labels
from laurel_mp.processes.patterns import PatternSet
from laurel_mp.records.fields import parse
from laurel_mp.records.message import split_message
from laurel_mp.records.values import text_of


@dataclass(frozen=True, slots=True)
class ProcessFilters:
    """Filters events by rule key, label, program, user and service.

    With `keep_first`, filters by key or label keep the first event of a process instance, so that
    each program that ran is seen once. Filters by program, user and service have no exception.
    """

    keys: frozenset[bytes] = frozenset()
    null_keys: bool = False
    labels: Labels = NONE
    exe: PatternSet = field(default_factory=lambda: PatternSet(()))
    users: frozenset[bytes] = frozenset()
    """User ids in digits."""
    services: frozenset[bytes] = frozenset()
    keep_first: bool = True

    def __bool__(self) -> bool:
        return bool(
            self.keys or self.null_keys or self.labels or self.exe or self.users or self.services
        )

    def by_rule(self, keys: tuple[bytes, ...], labels: Labels) -> bool:
        """True if the rule keys of an event, or the labels of its process, match."""
        if not keys:
            return self.null_keys or not self.labels.isdisjoint(labels)
        return not self.keys.isdisjoint(keys) or not self.labels.isdisjoint(labels)

    def by_process(self, exe: bytes, uid: bytes, services: tuple[bytes, ...]) -> bool:
        """True if the program, the user or one of the services matches."""
        return (
            uid in self.users
            or not self.services.isdisjoint(services)
            or bool(self.exe and self.exe.matches(exe))
        )


class UserRecordFilter:
    """Filters records from user space, by the sender's user and by the program it claims to be."""

    def __init__(self, exe: PatternSet, users: frozenset[bytes]) -> None:
        self._exe = exe
        self._users = users

    def matches(self, body: bytes) -> bool:
        """True if the body of a record matches."""
        header, message = split_message(body)
        for field_ in parse(header):
            if field_.key == b"uid":
                if field_.text in self._users:
                    return True
                break  # the first one is the kernel's
        if not self._exe:
            return False
        return any(
            field_.key == b"exe" and self._exe.matches(text_of(field_) or b"")
            for field_ in parse(header if message is None else message)
        )

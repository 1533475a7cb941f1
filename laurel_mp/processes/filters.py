"""Filters on what is known about the process of an event."""

from __future__ import annotations

from dataclasses import dataclass, field

from laurel_mp.processes.labels import NONE, Labels
from laurel_mp.processes.patterns import PatternSet
from laurel_mp.records.fields import parse
from laurel_mp.records.message import split_message
from laurel_mp.records.values import text_of


@dataclass(frozen=True, slots=True)
class ProcessFilters:
    """Which events are filtered, by rule key, label, program, user and service.

    What a key or a label filters, `keep_first` keeps for the first event of a process
    instance: so that each program that ran is seen once. Programs, users and services were
    named to be left out, and are.
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
        """Whether the rule keys of an event, or the labels of its process, say filter."""
        if not keys:
            return self.null_keys or not self.labels.isdisjoint(labels)
        return not self.keys.isdisjoint(keys) or not self.labels.isdisjoint(labels)

    def by_process(self, exe: bytes, uid: bytes, services: tuple[bytes, ...]) -> bool:
        """Whether the program, the user or the services say filter."""
        return (
            uid in self.users
            or not self.services.isdisjoint(services)
            or bool(self.exe and self.exe.matches(exe))
        )


class UserRecordFilter:
    """The same for records from user space: by the sender's user, and by what it says it is."""

    def __init__(self, exe: PatternSet, users: frozenset[bytes]) -> None:
        self._exe = exe
        self._users = users

    def matches(self, body: bytes) -> bool:
        """Whether the body of a record says filter."""
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

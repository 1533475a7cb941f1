"""Looks up names of users and groups at their first use, and caches them for half an hour."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple, Protocol

UNSET = 0xFFFFFFFF  # AUDIT_UID_UNSET [include/uapi/linux/audit.h]

MAX_AGE = 1800.0
"""Seconds after which a name is looked up again."""

MAX_NAMES = 8192
"""Answers of a kind in one generation; there are two generations."""

MAX_GROUPS_BYTES = 1 << 16
"""Bytes of group names for one user, at most: enough for some thousand groups."""


class Kind(IntEnum):
    """Kind of a question."""

    USER = 0
    """The name of a user id."""
    GROUP = 1
    """The name of a group id."""
    GROUPS_OF = 2
    """The names of the groups of a user id."""


class Question(NamedTuple):
    """A name, or names, to look up."""

    kind: Kind
    number: int


Answer = tuple[bytes, ...]
"""The name, or the names, of a question; empty if there is none."""

Answers = list[tuple[Question, Answer]]


class NameSource(Protocol):
    """Looks names up within a limited time."""

    def ask(self, question: Question) -> Answers:
        """Returns this answer, unless it takes too long, and late answers to earlier questions."""
        ...

    def late(self) -> Answers:
        """Returns late answers to earlier questions, without waiting."""
        ...


def look_up(question: Question) -> Answer:
    """Asks NSS (nsswitch.conf(5)), and waits for the answer without a limit."""
    try:
        if question.kind is Kind.USER:
            return (os.fsencode(pwd.getpwuid(question.number).pw_name),)
        if question.kind is Kind.GROUP:
            return (os.fsencode(grp.getgrgid(question.number).gr_name),)
        user = pwd.getpwuid(question.number)
        numbers = os.getgrouplist(user.pw_name, user.pw_gid)
    except (KeyError, OSError):
        return ()
    return _within_limit(_group_name(number) for number in numbers)


def _group_name(number: int) -> bytes:
    answer = look_up(Question(Kind.GROUP, number))
    return answer[0] if answer else _unknown(number)


def _within_limit(names: Iterable[bytes]) -> Answer:
    found = []
    size = 0
    for name in names:
        size += len(name)
        if size > MAX_GROUPS_BYTES:
            break
        found.append(name)
    return tuple(found)


class LocalNames:
    """Asks NSS in this process: for commands, which may wait."""

    def ask(self, question: Question) -> Answers:
        """Returns the answer."""
        return [(question, look_up(question))]

    def late(self) -> Answers:
        """Returns an empty list: no answer is ever late."""
        return []


class NameStatistics(NamedTuple):
    """Counts of names, since the start."""

    remembered: int
    """Cached answers."""
    asked: int
    """Questions to the source."""
    unanswered: int
    """Questions without an answer in time: an old name or `unknown(N)` was used."""
    overflows: int
    """Full generations."""


class _NameCache:
    """Answers of one kind: present ones, and old ones to use while there is no present one."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.old: dict[int, Answer] = {}
        self.answers = self._start()

    def _start(self) -> dict[int, Answer]:
        unset = () if self._kind is Kind.GROUPS_OF else (b"unset",)
        return {UNSET: unset, -1: unset}

    def missing(self, number: int) -> Answer:
        """Returns the substitute for an unknown name."""
        return () if self._kind is Kind.GROUPS_OF else (_unknown(number),)

    def turn(self) -> None:
        """Starts a new generation."""
        self.old = self.answers
        self.answers = self._start()


class Names:
    """Caches the answers of a source, also negative ones, within limits.

    All names of a generation are dropped together. So caches of text with names can be cleared at
    the same time, without a record of the names in each text.
    """

    def __init__(self, source: NameSource | None = None) -> None:
        self._source = LocalNames() if source is None else source
        self._users = _NameCache(Kind.USER)
        self._groups = _NameCache(Kind.GROUP)
        self._groups_of = _NameCache(Kind.GROUPS_OF)
        self._caches = {
            Kind.USER: self._users,
            Kind.GROUP: self._groups,
            Kind.GROUPS_OF: self._groups_of,
        }
        self._expiry: float | None = None
        self._is_provisional = False
        """True if a substitute was used since caches of text were cleared."""
        self._is_outdated = False
        self._asked = 0
        self._unanswered = 0
        self._overflows = 0

    def user(self, uid: int) -> bytes:
        """Returns the name of a user, `unset`, or `unknown(N)`."""
        return (self._users.answers.get(uid) or self._find(Kind.USER, uid))[0]

    def group(self, gid: int) -> bytes:
        """Returns the name of a group, `unset`, or `unknown(N)`."""
        return (self._groups.answers.get(gid) or self._find(Kind.GROUP, gid))[0]

    def groups_of(self, uid: int) -> tuple[bytes, ...] | None:
        """Returns the names of a user's groups; None for an unknown user."""
        answer = self._groups_of.answers.get(uid)
        if answer is None:
            answer = self._find(Kind.GROUPS_OF, uid)
        return answer or None

    def refresh(self, now: float) -> bool:
        """Takes late answers, and drops old ones; returns True if names may have changed.

        Then caches of text with names must be cleared. To be called before each batch: names change
        in no other way. `now` is in seconds of any monotonic clock.
        """
        self._store(self._source.late())
        if self._expiry is None:
            self._expiry = now + MAX_AGE
        elif now >= self._expiry:
            self._expiry = now + MAX_AGE
            self._is_outdated = True
            for cache in self._caches.values():
                cache.turn()
        outdated = self._is_outdated
        if outdated:
            self._is_outdated = self._is_provisional = False
        return outdated

    def statistics(self) -> NameStatistics:
        """Returns counts since the start."""
        remembered = sum(len(cache.answers) for cache in self._caches.values())
        return NameStatistics(remembered, self._asked, self._unanswered, self._overflows)

    def _find(self, kind: Kind, number: int) -> Answer:
        cache = self._caches[kind]
        if not 0 <= number < UNSET:  # no valid id: not sent to a directory service
            return cache.missing(number)
        self._asked += 1
        self._store(self._source.ask(Question(kind, number)))
        answer = cache.answers.get(number)
        if answer is None:
            self._unanswered += 1
            self._is_provisional = True
            answer = cache.old.get(number) or cache.missing(number)
        return answer

    def _store(self, answers: Answers) -> None:
        for (kind, number), answer in answers:
            cache = self._caches[kind]
            if len(cache.answers) >= MAX_NAMES:
                cache.turn()
                self._overflows += 1
            names = answer or cache.missing(number)
            is_corrected = cache.answers.get(number, names) != names
            self._is_outdated |= self._is_provisional or is_corrected
            cache.answers[number] = names


def _unknown(number: int) -> bytes:
    return b"unknown(%d)" % number

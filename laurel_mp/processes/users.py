"""Names of users and groups, looked up when first needed, remembered for half an hour."""

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
"""Bytes of group names that are given for one user, which is some thousand groups."""


class Kind(IntEnum):
    """What a question is about."""

    USER = 0
    """The name of a user id."""
    GROUP = 1
    """The name of a group id."""
    GROUPS_OF = 2
    """The names of the groups of a user id."""


class Question(NamedTuple):
    """What to look up."""

    kind: Kind
    number: int


Answer = tuple[bytes, ...]
"""The name that was looked for, or the names; empty if there is none."""

Answers = list[tuple[Question, Answer]]


class NameSource(Protocol):
    """Who looks names up, and may take longer than anybody can wait."""

    def ask(self, question: Question) -> Answers:
        """What has become known: this answer, unless it takes too long, and late ones."""
        ...

    def late(self) -> Answers:
        """Answers to earlier questions that have come since; does not wait."""
        ...


def look_up(question: Question) -> Answer:
    """Asks NSS (nsswitch.conf(5)), and waits for as long as that takes."""
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
    """Answers each question at once: for commands, where nothing is held up by it."""

    def ask(self, question: Question) -> Answers:
        """The answer."""
        return [(question, look_up(question))]

    def late(self) -> Answers:
        """Nothing: no answer is ever late."""
        return []


class NameStatistics(NamedTuple):
    """How names were found, since the start."""

    remembered: int
    """Answers in memory now."""
    asked: int
    """Times that the source was asked."""
    unanswered: int
    """Times that it did not answer in time, so that an old name or `unknown(N)` was given."""
    overflows: int
    """Times that a generation was full."""


class _Memory:
    """Answers of one kind: those that hold, and those to fall back on while there is no better."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.old: dict[int, Answer] = {}
        self.answers = self._start()

    def _start(self) -> dict[int, Answer]:
        unset = () if self._kind is Kind.GROUPS_OF else (b"unset",)
        return {UNSET: unset, -1: unset}

    def missing(self, number: int) -> Answer:
        """What is said instead of a name."""
        return () if self._kind is Kind.GROUPS_OF else (_unknown(number),)

    def turn(self) -> None:
        """Starts a new generation."""
        self.old = self.answers
        self.answers = self._start()


class Names:
    """Remembers what a source has said, misses too, within bounds.

    All names of a generation are forgotten together: so whoever remembers text with names in it
    can forget that at the same time, and need not know which names it was.
    """

    def __init__(self, source: NameSource | None = None) -> None:
        self._source = LocalNames() if source is None else source
        self._users = _Memory(Kind.USER)
        self._groups = _Memory(Kind.GROUP)
        self._groups_of = _Memory(Kind.GROUPS_OF)
        self._memories = {
            Kind.USER: self._users,
            Kind.GROUP: self._groups,
            Kind.GROUPS_OF: self._groups_of,
        }
        self._expiry: float | None = None
        self._is_provisional = False
        """Whether somebody was given something for want of an answer, since text was forgotten."""
        self._is_outdated = False
        self._asked = 0
        self._unanswered = 0
        self._overflows = 0

    def user(self, uid: int) -> bytes:
        """The name of a user, `unset`, or `unknown(N)`."""
        return (self._users.answers.get(uid) or self._find(Kind.USER, uid))[0]

    def group(self, gid: int) -> bytes:
        """The name of a group, `unset`, or `unknown(N)`."""
        return (self._groups.answers.get(gid) or self._find(Kind.GROUP, gid))[0]

    def groups_of(self, uid: int) -> tuple[bytes, ...] | None:
        """The names of a user's groups, None if there is no such user or it is not known yet."""
        answer = self._groups_of.answers.get(uid)
        if answer is None:
            answer = self._find(Kind.GROUPS_OF, uid)
        return answer or None

    def refresh(self, now: float) -> bool:
        """Whether names given before may be wrong now, so that text with them is to be forgotten.

        To be called before each batch: takes in late answers, and lets old ones go. Without it,
        nothing ever changes. `now` is in seconds, since whenever.
        """
        self._store(self._source.late())
        if self._expiry is None:
            self._expiry = now + MAX_AGE
        elif now >= self._expiry:
            self._expiry = now + MAX_AGE
            self._is_outdated = True
            for memory in self._memories.values():
                memory.turn()
        outdated = self._is_outdated
        if outdated:
            self._is_outdated = self._is_provisional = False
        return outdated

    def statistics(self) -> NameStatistics:
        """Counts since the start."""
        remembered = sum(len(memory.answers) for memory in self._memories.values())
        return NameStatistics(remembered, self._asked, self._unanswered, self._overflows)

    def _find(self, kind: Kind, number: int) -> Answer:
        memory = self._memories[kind]
        if not 0 <= number < UNSET:  # no such ids: do not bother a directory service with them
            return memory.missing(number)
        self._asked += 1
        self._store(self._source.ask(Question(kind, number)))
        answer = memory.answers.get(number)
        if answer is None:
            self._unanswered += 1
            self._is_provisional = True
            answer = memory.old.get(number) or memory.missing(number)
        return answer

    def _store(self, answers: Answers) -> None:
        for (kind, number), answer in answers:
            memory = self._memories[kind]
            if len(memory.answers) >= MAX_NAMES:
                memory.turn()
                self._overflows += 1
            names = answer or memory.missing(number)
            is_corrected = memory.answers.get(number, names) != names
            self._is_outdated |= self._is_provisional or is_corrected
            memory.answers[number] = names


def _unknown(number: int) -> bytes:
    return b"unknown(%d)" % number

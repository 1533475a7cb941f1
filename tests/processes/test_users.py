"""Names of users and groups: what is remembered, for how long, and what is said meanwhile."""

import grp
import os
import pwd

import pytest

from laurel_mp.processes import users
from laurel_mp.processes.users import Answer, Answers, Kind, Names, NameStatistics, Question


class Directory:
    """A source that knows some names, answers late when told to, and notes all questions."""

    def __init__(self, known: dict[Question, Answer]) -> None:
        self.known = known
        self.is_slow = False
        self.questions: list[Question] = []
        self.on_stall: Answers = []

    def ask(self, question: Question) -> Answers:
        """The answer, unless it is slow."""
        self.questions.append(question)
        answer = (question, self.known.get(question, ()))
        if self.is_slow:
            self.on_stall.append(answer)
            return []
        return [answer]

    def late(self) -> Answers:
        """Returns delayed answers when the source is fast again."""
        if self.is_slow:
            return []
        answers, self.on_stall = self.on_stall, []
        return answers


@pytest.fixture
def directory() -> Directory:
    """A small user database."""
    return Directory(
        {
            Question(Kind.USER, 1000): (b"ann",),
            Question(Kind.USER, 1001): (b"bob",),
            Question(Kind.GROUP, 1000): (b"staff",),
            Question(Kind.GROUPS_OF, 1000): (b"staff", b"wheel"),
        }
    )


@pytest.fixture
def names(directory: Directory) -> Names:
    """The object under test."""
    return Names(directory)


def test_names(names: Names) -> None:
    """Users and groups have names of their own, and users have groups."""
    found = (names.user(1000), names.group(1000), names.groups_of(1000))

    assert found == (b"ann", b"staff", (b"staff", b"wheel"))


def test_misses(names: Names) -> None:
    """An id without a name is shown as such."""
    found = (names.user(5), names.group(5), names.groups_of(5))

    assert found == (b"unknown(5)", b"unknown(5)", None)


@pytest.mark.parametrize("number", [4294967295, -1])
def test_unset(names: Names, directory: Directory, number: int) -> None:
    """The id that stands for none is not looked up."""
    found = (names.user(number), names.group(number), names.groups_of(number))

    assert found == (b"unset", b"unset", None)
    assert directory.questions == []


@pytest.mark.parametrize("number", [-2, 1 << 32, 1 << 80])
def test_no_ids(names: Names, directory: Directory, number: int) -> None:
    """A number that can be no id is not looked up."""
    expected = b"unknown(%d)" % number

    assert (expected, expected, None) == (
        names.user(number),
        names.group(number),
        names.groups_of(number),
    )
    assert directory.questions == []


def test_each_id_is_asked_once(names: Names, directory: Directory) -> None:
    """Answers are remembered, misses too."""
    for _ in range(3):
        names.user(1000)
        names.group(5)
        names.groups_of(5)

    assert [
        Question(Kind.USER, 1000),
        Question(Kind.GROUP, 5),
        Question(Kind.GROUPS_OF, 5),
    ] == directory.questions


def test_names_are_forgotten_after_half_an_hour(names: Names, directory: Directory) -> None:
    """A user who was renamed has the new name then, and text with the old one is outdated."""
    names.refresh(100)
    names.user(1000)
    directory.known[Question(Kind.USER, 1000)] = (b"eve",)
    found = [
        (names.refresh(now), names.user(1000))
        for now in (100, 100 + users.MAX_AGE - 1, 100 + users.MAX_AGE, 101 + users.MAX_AGE)
    ]

    assert found == [(False, b"ann"), (False, b"ann"), (True, b"eve"), (False, b"eve")]


def test_unset_stays_when_names_are_forgotten(names: Names, directory: Directory) -> None:
    """Names that need no look-up never need one."""
    for now in (0, users.MAX_AGE, 2 * users.MAX_AGE):
        names.refresh(now)

    assert (names.user(-1), names.group(4294967295)) == (b"unset", b"unset")
    assert directory.questions == []


def test_a_late_answer_serves_later_events(names: Names, directory: Directory) -> None:
    """Without an answer the number is given, and text with it is outdated when the answer comes."""
    directory.is_slow = True
    found = [(names.refresh(0), names.user(1000), names.groups_of(1000))]
    found.append((names.refresh(1), names.user(1000), names.groups_of(1000)))
    directory.is_slow = False
    found.append((names.refresh(2), names.user(1000), names.groups_of(1000)))

    early = (False, b"unknown(1000)", None)
    assert [early, early, (True, b"ann", (b"staff", b"wheel"))] == found


def test_a_late_answer_may_come_with_another(names: Names, directory: Directory) -> None:
    """Text is outdated by an answer that comes between two refreshes, too."""
    names.refresh(0)
    directory.is_slow = True
    names.user(1000)
    directory.is_slow = False
    directory.on_stall = []
    names.user(1000)

    assert [names.refresh(1), names.refresh(2)] == [True, False]


def test_a_corrected_answer_outdates(names: Names, directory: Directory) -> None:
    """An answer that is taken back later counts as outdated, even though it came in time."""
    names.refresh(0)
    before = names.user(5)
    directory.on_stall = [(Question(Kind.USER, 5), (b"five",))]

    assert (before, names.refresh(1), names.user(5)) == (b"unknown(5)", True, b"five")


def test_an_old_name_is_better_than_none(names: Names, directory: Directory) -> None:
    """While the directory does not answer, names that are too old serve on."""
    names.refresh(0)
    names.user(1000)
    names.groups_of(1000)
    directory.is_slow = True
    names.refresh(users.MAX_AGE)

    assert (
        names.user(1000),
        names.groups_of(1000),
        names.user(1001),
    ) == (b"ann", (b"staff", b"wheel"), b"unknown(1001)")


def test_memory_is_bounded(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ids occur, few are remembered; what was asked for last is."""
    monkeypatch.setattr(users, "MAX_NAMES", 10)
    for number in range(100):
        names.user(number)

    assert len(names._users.answers) + len(names._users.old) <= 20
    assert 99 in names._users.answers


def test_statistics(names: Names, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is counted can be seen to count."""
    monkeypatch.setattr(users, "MAX_NAMES", 3)
    empty = names.statistics().remembered
    names.user(1000)
    names.user(1000)
    names.user(1001)
    directory.is_slow = True
    names.user(1002)

    expected = NameStatistics(remembered=empty + 1, asked=3, unanswered=1, overflows=1)
    assert expected == names.statistics()


def test_local_names() -> None:
    """Without a source, this host's user database is asked."""
    names = Names()
    user = pwd.getpwuid(0)

    found = (names.user(0), names.group(0), names.groups_of(0), names.refresh(0))

    assert user.pw_name.encode() == found[0]
    assert grp.getgrgid(0).gr_name.encode() == found[1]
    assert found[1] in (found[2] or ())
    assert found[3] is False


def test_nobody_of_that_number() -> None:
    """An id that this host does not know has no answer."""
    assert [users.look_up(Question(kind, 4294960000)) for kind in Kind] == [(), (), ()]


def test_groups_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group without a name is shown by its number."""
    monkeypatch.setattr(os, "getgrouplist", lambda _user, _group: [0, 4294960000])
    root = grp.getgrgid(0).gr_name.encode()

    assert (root, b"unknown(4294960000)") == users.look_up(Question(Kind.GROUPS_OF, 0))


def test_a_user_of_very_many_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of a user's groups fill a bounded number of bytes."""
    monkeypatch.setattr(os, "getgrouplist", lambda _user, _group: [4294960000] * 10_000)

    names = users.look_up(Question(Kind.GROUPS_OF, 0))

    assert 0 < len(b"".join(names)) <= users.MAX_GROUPS_BYTES

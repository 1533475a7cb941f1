"""Content of a journal, and its removal."""

import os
import random

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurel_mp.outputs.journal import HEADER, ROOM, Entries, Entry, HeldJournal, Journal
from laurel_mp.outputs.open_sink import Mark
from laurel_mp.outputs.unwritten import UNKNOWN, Pending, Unwritten, read, restore

MARK = Mark("/x.log", 1, 2, 3)


@pytest.fixture
def journal() -> Journal:
    """A new journal."""
    return Journal.create()


def test_a_new_journal(journal: Journal) -> None:
    """There was no batch yet."""
    assert journal.read() == Entries(-1, [])


def test_a_batch(journal: Journal) -> None:
    """Another process sees the texts of the batch, and how much of them is written."""
    journal.begin(7, {"a": b"one\ntwo\n", "b": b"", "c": b"three\n"}, [MARK, None, None])
    journal.wrote(0, 4, MARK._replace(offset=7))
    journal.wrote(2, 6, None)
    expected = Entries(
        7,
        [
            Entry("a", b"one\ntwo\n", 4, MARK._replace(offset=7)),
            Entry("b", b"", 0, None),
            Entry("c", b"three\n", 6, None),
        ],
    )

    assert Journal(journal.fd).read() == expected
    assert journal.read() == expected


def test_the_next_batch(journal: Journal) -> None:
    """A batch takes the place of the one before it."""
    for batch in range(5):
        journal.begin(batch, {"a": b"x" * batch}, [MARK])

    assert Journal(journal.fd).read() == Entries(4, [Entry("a", b"xxxx", 0, MARK)])


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_killed_at_any_moment(rng: random.Random) -> None:
    """Cut short behind any write, it holds the old or the new, never a mixture."""
    journal = Journal.create()
    states = [journal.read()]
    images = []
    pwrite = os.pwrite

    def cut(fd: int, data: bytes, offset: int) -> int:
        images.append(os.pread(fd, 1 << 20, 0))
        whole = bytes(data)
        size = pwrite(fd, whole[: rng.randrange(len(whole) + 1)], offset)
        images.append(os.pread(fd, 1 << 20, 0))
        pwrite(fd, whole[size:], offset + size)
        return len(whole)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pwrite", cut)
        for batch in range(3):
            text = rng.randbytes(rng.randrange(20_000))
            journal.begin(batch, {"a": text, "b": b"x"}, [MARK, None])
            states += [Entries(batch - 1, []), journal.read()]
            for _ in range(2):
                journal.wrote(0, rng.randrange(len(text) + 1), MARK)
                states.append(journal.read())
    for image in images:
        again = Journal.create()
        pwrite(again.fd, image, 0)
        assert again.read() in states
        again.close()
    journal.close()


def test_it_shrinks(journal: Journal) -> None:
    """The memory of a huge batch is returned with the next one."""
    journal.begin(0, {"a": b"x" * (3 * ROOM)}, [None])
    large = os.fstat(journal.fd).st_size
    journal.begin(1, {"a": b"x"}, [None])

    assert large > 3 * ROOM
    assert os.fstat(journal.fd).st_size == ROOM
    assert Journal(journal.fd).read() == Entries(1, [Entry("a", b"x", 0, None)])


def test_longest_paths(journal: Journal) -> None:
    """Fifteen paths as long as the kernel lets them be fit into the header."""
    marks = [Mark("ä" * 2048, 2**64 - 1, 2**64 - 1, 2**63)] * 15
    journal.begin(2**63, {f"sink-{number}": b"x" for number in range(15)}, marks)

    assert [entry.mark for entry in Journal(journal.fd).read().entries] == marks
    assert os.pread(journal.fd, 4, HEADER - 4) == bytes(4)


def test_what_is_left(journal: Journal) -> None:
    """Rest of a text from the beginning of its line: for files with what is torn."""
    journal.begin(7, {"auditlog": b"one\ntwo\n", "filterlog": b"three\nfour\n"}, [MARK, None])
    journal.wrote(0, 6, MARK)
    journal.wrote(1, 8, None)

    assert read(journal) == Pending(
        7, {"auditlog": Unwritten(b"two\n", 2), "filterlog": Unwritten(b"four\n", 0)}
    )


def test_nothing_is_left(journal: Journal) -> None:
    """Of what is written nothing is left."""
    journal.begin(7, {"auditlog": b"one\n", "filterlog": b""}, [MARK, None])
    journal.wrote(0, 4, MARK)

    assert read(journal) == Pending(7, {})


@pytest.mark.parametrize(
    "left",
    [
        Pending(3, {"auditlog": Unwritten(b"two\nthree\n", 2), "filterlog": Unwritten(b"x\n", 0)}),
        Pending(3, {"filterlog": Unwritten(b"x\n", 0)}),
        Pending(-1, {}),
    ],
)
def test_from_run_to_run(journal: Journal, left: Pending) -> None:
    """Unwritten output goes through a state file into the journal of the next run."""
    plain = msgpack.unpackb(msgpack.packb(left.to_plain()))
    restore(journal, Pending.of_plain(plain))

    assert read(Journal(journal.fd)) == left


def test_former_names() -> None:
    """State files of earlier versions name the texts by what they held."""
    left = Unwritten(b"x\n", 0)

    assert Pending(3, {"auditlog": left}) == Pending.of_plain([3, {"events": list(left)}])


@pytest.mark.parametrize(
    "plain",
    [None, [], [1], ["1", {}], [1, []], [1, {1: [b"", 0]}], [1, {"x": [b"", 1]}],
     [1, {"x": [b"", -1]}], [1, {"x": ["", 0]}], [1, {"x": None}]],
)  # fmt: skip
def test_damaged_rest(plain: object) -> None:
    """Content that laurel-mp did not write is refused."""
    with pytest.raises(ValueError, match="not "):
        Pending.of_plain(plain)


def test_held(journal: Journal) -> None:
    """Entries held in memory equal those of the journal, which gets them when put back."""
    journal.begin(1, {"auditlog": b"left\n", "filterlog": b""}, [MARK, None])
    journal.wrote(0, 2, MARK)
    held = HeldJournal(journal)
    assert held.read() == journal.read()

    held.begin(2, {"auditlog": b"one\n", "filterlog": b"two\n"}, [UNKNOWN, None])
    held.wrote(0, 4, None)
    held.wrote(1, 1, None)
    assert held.size(1) == 4
    assert Journal(journal.fd).read().batch == 1

    held.put_back()
    expected = Entries(
        2, [Entry("auditlog", b"one\n", 4, None), Entry("filterlog", b"two\n", 1, None)]
    )
    assert held.read() == Journal(journal.fd).read() == expected
    assert read(held) == Pending(2, {"filterlog": Unwritten(b"two\n", 0)})


def test_nothing_held(journal: Journal) -> None:
    """As at the start."""
    held = HeldJournal(journal)
    held.put_back()

    assert held.read() == Journal(journal.fd).read() == Entries(-1, [])

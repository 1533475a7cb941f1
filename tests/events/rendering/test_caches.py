"""The bounded memory of rendered pieces."""

from laurel_mp.events.rendering.caches import (
    MAX_KEY,
    BoundedCache,
    CacheBypass,
    Doorkeeper,
    SecondHitCache,
)


def test_what_was_remembered_is_found() -> None:
    """A memo is a dictionary."""
    memo: BoundedCache[int] = BoundedCache(1000)
    memo.remember(b"a", 1)

    assert memo == {b"a": 1}


def test_a_full_memo_starts_anew() -> None:
    """It never holds more than its limit, and counts how often it was emptied."""
    memo: BoundedCache[int] = BoundedCache(1000)
    for number in range(100):
        memo.remember(b"%099d" % number, number)
        assert len(memo) <= 5

    assert memo.clearings >= 19
    assert memo[b"%099d" % 99] == 99


def test_long_keys_are_not_remembered() -> None:
    """One of them would push out hundreds that come again."""
    memo: BoundedCache[int] = BoundedCache(1 << 20)
    memo.remember(b"x" * MAX_KEY, 1)
    memo.remember(b"x" * (MAX_KEY + 1), 2)

    assert [len(key) for key in memo] == [MAX_KEY]


def test_a_choosy_memo_keeps_what_comes_again() -> None:
    """What never repeats takes no room."""
    memo: SecondHitCache[int] = SecondHitCache(1000)
    memo.remember(b"a", 1)
    memo.remember(b"b", 2)
    memo.remember(b"a", 3)

    assert memo == {b"a": 3}


def test_a_choosy_memo_where_hardly_anything_comes_again() -> None:
    """Among much that never does, what does is kept."""
    memo: SecondHitCache[int] = SecondHitCache(1 << 20)
    usual = [b"usual %d" % number for number in range(64)]
    for number in range(10):
        for key in usual:
            memo.remember(key, 1)
        for other in range(1000):
            memo.remember(b"other %d" % (1000 * number + other), 1)

    assert memo.keys() == set(usual)


def test_sightings_are_overwritten() -> None:
    """The table does not grow: of the hashes in one slot the latest two are known."""
    serials = Doorkeeper(8)
    seen = (3, 3, -5, 3, 11, 19, -5, 19)

    found = [serials.again(each) for each in seen]

    assert found == [False, True, False, True, False, False, False, True]


def test_a_memo_forgets() -> None:
    """Then there is room for as much as at the start."""
    memo: BoundedCache[int] = BoundedCache(1000)
    memo.remember(b"a", 1)
    memo.forget()

    assert (memo, memo.size, memo.clearings) == ({}, 0, 0)


def _questions_without(worth: CacheBypass) -> int:
    """How many questions are not asked before one is, in whatever portions they come."""
    questions = 0
    while not worth():
        worth.note_others(3, 1)
        questions += 4
    return questions


def test_whether_it_is_worth_it() -> None:
    """Where hardly anything is found more and more is not asked, until something is."""
    worth = CacheBypass()
    for _ in range(3):
        assert worth()
        worth.note(CacheBypass.ENOUGH // 12, CacheBypass.ENOUGH // 12)
    assert worth()
    without = []
    for _ in range(8):
        worth.note(CacheBypass.ENOUGH // 4, CacheBypass.ENOUGH // 4)
        worth.note(CacheBypass.ENOUGH * 3 // 4, CacheBypass.ENOUGH * 3 // 4)
        without.append(_questions_without(worth))

    assert [each // CacheBypass.ENOUGH for each in without] == [1, 2, 4, 8, 16, 32, 32, 32]
    worth.note(CacheBypass.ENOUGH, CacheBypass.ENOUGH // 2)
    assert _questions_without(worth) == 0
    worth.note(10 * CacheBypass.ENOUGH, 10 * CacheBypass.ENOUGH)
    assert _questions_without(worth) == 10 * CacheBypass.ENOUGH


def test_worth_again_where_little_goes_without() -> None:
    """If most of what goes without does not go well, that comes to an end."""
    worth = CacheBypass()
    for _ in range(4):
        worth.note(CacheBypass.ENOUGH, CacheBypass.ENOUGH)
    assert not worth()
    worth.note_others(CacheBypass.ENOUGH, CacheBypass.ENOUGH // 2)
    assert not worth()
    worth.note_others(0, CacheBypass.ENOUGH - 1)
    assert not worth()
    worth.note_others(0, 1)

    assert worth()

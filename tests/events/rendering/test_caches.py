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
    """Texts that never repeat take no room."""
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


def test_hashes_are_overwritten() -> None:
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


def _bypassed(bypass: CacheBypass) -> int:
    """Returns the number of events until the bypass ends, counted in portions."""
    events = 0
    while bypass.is_active:
        bypass.note_bypassed(3, 1)
        events += 4
    return events


def test_bypass_grows_while_the_hit_rate_is_low() -> None:
    """The bypass doubles with each round of few hits, up to a limit, until a round has hits."""
    bypass = CacheBypass()
    for _ in range(3):
        assert not bypass.is_active
        bypass.note(CacheBypass.ENOUGH // 12, CacheBypass.ENOUGH // 12)
    assert not bypass.is_active
    without = []
    for _ in range(8):
        bypass.note(CacheBypass.ENOUGH // 4, CacheBypass.ENOUGH // 4)
        bypass.note(CacheBypass.ENOUGH * 3 // 4, CacheBypass.ENOUGH * 3 // 4)
        without.append(_bypassed(bypass))

    assert [each // CacheBypass.ENOUGH for each in without] == [1, 2, 4, 8, 16, 32, 32, 32]
    bypass.note(CacheBypass.ENOUGH, CacheBypass.ENOUGH // 2)
    assert _bypassed(bypass) == 0
    bypass.note(10 * CacheBypass.ENOUGH, 10 * CacheBypass.ENOUGH)
    assert _bypassed(bypass) == 10 * CacheBypass.ENOUGH


def test_bypass_ends_if_most_events_need_the_cache() -> None:
    """A surplus of events that cannot be taken without the cache ends the bypass."""
    bypass = CacheBypass()
    for _ in range(4):
        bypass.note(CacheBypass.ENOUGH, CacheBypass.ENOUGH)
    assert bypass.is_active
    bypass.note_bypassed(CacheBypass.ENOUGH, CacheBypass.ENOUGH // 2)
    assert bypass.is_active
    bypass.note_bypassed(0, CacheBypass.ENOUGH - 1)
    assert bypass.is_active
    bypass.note_bypassed(0, 1)

    assert not bypass.is_active

"""The bounded memory of rendered pieces."""

from laurel_mp.events.memo import MAX_KEY, Memo


def test_what_was_remembered_is_found() -> None:
    """A memo is a dictionary."""
    memo: Memo[int] = Memo(1000)
    memo.remember(b"a", 1)

    assert memo == {b"a": 1}


def test_a_full_memo_starts_anew() -> None:
    """It never holds more than its limit, and counts how often it was emptied."""
    memo: Memo[int] = Memo(1000)
    for number in range(100):
        memo.remember(b"%099d" % number, number)
        assert len(memo) <= 5

    assert memo.clearings >= 19
    assert memo[b"%099d" % 99] == 99


def test_long_keys_are_not_remembered() -> None:
    """One of them would push out hundreds that come again."""
    memo: Memo[int] = Memo(1 << 20)
    memo.remember(b"x" * MAX_KEY, 1)
    memo.remember(b"x" * (MAX_KEY + 1), 2)

    assert [len(key) for key in memo] == [MAX_KEY]

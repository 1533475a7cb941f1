"""Events without an end are written at their place in the stream."""

from laurel_mp.reversion import event_order
from laurel_mp.reversion.event_order import Order


def test_events_stay_in_order() -> None:
    """Ended events are written in order, once no event can move in front of them."""
    one = Order(2.0)

    written = [one.add(b"%d" % second, second, ended=True) for second in (1, 2, 3, 4)]

    assert written == [b"", b"", b"1", b"2"]
    assert one.finish() == b"34"


def test_what_has_no_end_comes_earlier() -> None:
    """It was waited for, for two seconds: so it stands behind what was seen until then."""
    one = Order(2.0)
    text = b"".join(one.add(b"%d" % second, second, ended=True) for second in (1, 2, 3))

    text += one.add(b"x", 1, ended=False)
    text += one.add(b"4", 4, ended=True)

    assert text + one.finish() == b"12x34"


def test_several_without_an_end_keep_their_order() -> None:
    """Those that were given up together stand together."""
    one = Order(2.0)
    text = one.add(b"1", 1, ended=True)

    text += one.add(b"x", 1, ended=False) + one.add(b"y", 1, ended=False)
    text += one.add(b"4", 4, ended=True)

    assert text + one.finish() == b"1xy4"


def test_what_is_left_at_the_end() -> None:
    """Events without a successor stay at the end."""
    one = Order(2.0)
    text = one.add(b"1", 1, ended=True) + one.add(b"x", 1, ended=False)

    assert text + one.finish() == b"1x"


def test_no_more_is_held_than_allowed() -> None:
    """However many events share a second, and however many have no end."""
    one = Order(2.0)
    piece = bytes(event_order.MOST_HELD // 4)
    for ended in (True, False):
        written = sum(len(one.add(piece, 1, ended=ended)) for _ in range(20))
        assert written >= len(piece) * 15
    assert len(one.finish()) <= event_order.MOST_HELD * 2

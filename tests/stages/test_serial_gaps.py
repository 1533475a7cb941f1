"""Gaps in serials: what is missing is counted once, and nothing else is."""

import random
from array import array
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurel_mp.events.reassembly.serial_collector import Seen, ranges_of
from laurel_mp.stages import node_serials, serial_gaps
from laurel_mp.stages.node_serials import Loss
from laurel_mp.stages.packing import check, pack
from laurel_mp.stages.serial_gaps import SerialGaps, SerialGapsState

WINDOW = 5.0
BOOT = 1000.0


class Stream:
    """Feeds serials, with a clock mark behind each lot."""

    def __init__(self, node: bytes | None = None) -> None:
        self.watch = SerialGaps(WINDOW)
        self.now = 0.0
        self.losses: list[Loss] = []
        self.node = node

    def see(
        self, *numbers: int, stamp: float | None = None, restarted: bool = False, step: float = 0.5
    ) -> None:
        """Some that came between two marks."""
        when = BOOT + self.now if stamp is None else stamp
        ranges = ranges_of(sorted(set(numbers)))
        self.watch.see(Seen(self.node, ranges, when, when, restarted))
        self.wait(step)

    def wait(self, step: float) -> None:
        """A mark some time later."""
        self.now += step
        self.losses += self.watch.mark(self.now)

    def wait_for_long(self) -> None:
        """As many marks as a window needs."""
        for _ in range(20):
            self.wait(0.5)

    def end(self) -> list[Loss]:
        """The input ends."""
        self.losses += self.watch.mark(self.now, final=True)
        return self.losses

    @property
    def events(self) -> int:
        """Returns the number of lost events."""
        return sum(loss.events - loss.late for loss in self.losses)


def test_nothing_missing() -> None:
    """A stream without gaps loses nothing; where it begins does not matter."""
    stream = Stream()
    stream.see(*range(30_000, 30_100))
    stream.see(*range(30_100, 30_200))

    assert stream.end() == []
    assert not stream.watch.is_waiting


def test_a_gap() -> None:
    """Serials missing after the window are a loss, with the times around them."""
    stream = Stream(b"vm")
    stream.see(1, 2, 3)
    stream.see(10, 11)
    assert stream.watch.is_waiting
    assert stream.losses == []
    stream.wait_for_long()

    expected = Loss(b"vm", 6, 1, 4, 9, BOOT, BOOT + 0.5, False, 0, 6, BOOT)
    assert [expected] == stream.losses
    assert not stream.watch.is_waiting
    assert [expected] == stream.end()


def test_not_before_the_window() -> None:
    """For as long as the window, a serial is waited for."""
    stream = Stream()
    stream.see(1, 3)
    stream.wait(WINDOW)  # which counts as a second
    stream.wait(0.9)
    assert stream.events == 0
    stream.see(2)
    stream.wait_for_long()

    assert stream.end() == []


def test_a_pause_of_the_reader() -> None:
    """A pause of reading is not taken for a gap: the clock may make a long step."""
    stream = Stream()
    stream.see(1, 2, 4, step=3600.0)
    stream.see(3, 5)

    assert stream.end() == []


def test_several_gaps() -> None:
    """Gaps that are found together are told together, without what lies between them."""
    stream = Stream()
    stream.see(1, 2, 5, 6, 9)
    stream.see(7)
    stream.wait_for_long()

    ((_, events, gaps, first, last, *_),) = stream.losses
    assert (events, gaps, first, last) == (3, 2, 3, 8)


def test_partly_late() -> None:
    """Of a gap, what comes late is not missing, wherever in it that lies."""
    stream = Stream()
    stream.see(1, 11)
    stream.see(5, 6)
    stream.see(2)
    stream.see(10)
    stream.wait_for_long()

    ((_, events, gaps, first, last, *_),) = stream.losses
    assert (events, gaps, first, last) == (5, 2, 3, 9)


def test_later_than_the_window() -> None:
    """An event that arrives after it was counted as lost is reported, and subtracted."""
    stream = Stream()
    stream.see(1, 10)
    stream.wait_for_long()
    stream.see(4, 5)
    stream.see(5, 6)

    assert [loss.events for loss in stream.losses] == [8, 0, 0]
    assert [loss.late for loss in stream.losses] == [0, 2, 1]
    assert [loss.total for loss in stream.losses] == [8, 6, 5]


def test_the_end() -> None:
    """At the end of the input nothing is waited for."""
    stream = Stream()
    stream.see(1, 3)

    assert [loss.events for loss in stream.end()] == [1]


def test_something_old_in_front() -> None:
    """A straggler from long before, at the very start, makes no gap behind it."""
    stream = Stream()
    stream.see(17, *range(30_000, 30_010))

    assert stream.end() == []


def test_a_boot() -> None:
    """When the counter starts over, that is no gap, and gaps are found again from there on."""
    stream = Stream()
    stream.see(*range(30_000, 30_010))
    stream.see(1, 2, 3)
    stream.see(4, 6)
    stream.wait_for_long()

    assert [(loss.events, loss.first) for loss in stream.end()] == [(1, 5)]


def test_a_boot_with_a_wrong_clock() -> None:
    """If time stamps went back, it takes a while to notice that the counter has started over."""
    stream = Stream()
    stream.see(*range(30_000, 30_010))
    for number in range(1, 40):
        stream.see(number, stamp=10.0)
    assert stream.losses == []
    stream.see(41, stamp=10.0)

    assert [loss.first for loss in stream.end()] == [40]


def test_gaps_of_the_boot_before() -> None:
    """Gaps that are open at a reset of the counter are losses."""
    stream = Stream()
    stream.see(30_000, 30_002)
    stream.see(1, 2, 3)

    assert [loss.first for loss in stream.losses] == [30_001]


def test_a_straggler_from_long_before() -> None:
    """A single old event, far behind all others, is no new counter."""
    stream = Stream()
    stream.see(*range(30_000, 30_010))
    stream.see(17, stamp=500.0)
    stream.see(30_010)
    stream.see(18, 30_011, stamp=2000.0)

    assert stream.end() == []


def test_another_counter_far_ahead() -> None:
    """A jump that no loss explains is another counter; a single one is nothing."""
    stream = Stream()
    stream.see(1, 2, 4_000_000_000)
    stream.see(3, 4)
    stream.see(4_000_000_000, 4_000_000_001)
    stream.see(4_000_000_003)

    assert [loss.first for loss in stream.end()] == [4_000_000_002]


def test_the_end_of_the_counter() -> None:
    """Behind the last serial of 32 bits comes 1, or 0; stragglers find their place."""
    stream = Stream()
    stream.see(node_serials.SPACE - 4, node_serials.SPACE - 2)
    stream.see(1, 2, 4)
    stream.see(node_serials.SPACE - 1, node_serials.SPACE - 3)
    stream.see(5)
    stream.wait_for_long()
    stream.see(0)

    ((_, events, _, first, last, *_),) = stream.end()
    assert (events, first, last) == (1, 3, 3)


def test_restarts() -> None:
    """A gap around a start or an end of auditd says so; a later one does not."""
    stream = Stream()
    stream.see(1, 2)
    stream.see(restarted=True)
    stream.see(restarted=False)
    stream.see(5)
    stream.see(7)
    stream.see(8, restarted=True)
    stream.see(10)

    ((_, events, *_, restarted, _, _, _),) = stream.end()
    assert (events, restarted) == (4, True)

    stream = Stream()
    stream.see(restarted=True)
    stream.see(1, 2)
    stream.see(3)
    stream.see(5)
    assert [loss.restarted for loss in stream.end()] == [False]


def test_too_many_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """More gaps than are waited for at a time are counted early, none twice."""
    monkeypatch.setattr(node_serials, "MAX_MISSING", 10)
    stream = Stream()
    stream.see(*range(1, 101, 2))

    assert stream.events == 39
    assert sum(loss.events for loss in stream.end()) == 49


def test_too_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node that was quiet longest is forgotten, and what it lacked is told."""
    monkeypatch.setattr(serial_gaps, "MAX_NODES", 2)
    watch = SerialGaps(WINDOW)
    losses = []
    for number, node in enumerate((b"a", b"b", b"a", b"c", b"b")):
        ranges = ranges_of([3 * number, 3 * number + 2])
        watch.see(Seen(node, ranges, 1.0, 1.0, False))
        losses += watch.mark(float(number))

    assert [(loss.node, loss.first) for loss in losses] == [(b"b", 4), (b"a", 1)]


# --- properties


@st.composite
def streams(draw: st.DrawFn) -> tuple[set[int], list[list[int]]]:
    """Serials that are missing, and all others in lots, a little out of order."""
    first = draw(
        st.integers(1, 5000) | st.integers(node_serials.SPACE - 300, node_serials.SPACE - 1)
    )
    count = draw(st.integers(2, 400))
    inner = st.integers(first + 1, first + count - 1)
    missing = draw(st.sets(inner, max_size=40)) - {first + count - 1, node_serials.SPACE}
    present = [number for number in range(first, first + count) if number not in missing]
    shift = draw(st.integers(0, 30))
    seed = random.Random(draw(st.integers(0, 1000)))
    # The first one stays in front: what comes later and is lower was before the beginning.
    rest = sorted(present[1:], key=lambda number: number + seed.randint(0, shift))
    present = [present[0], *rest]
    lots: list[list[int]] = [[]]
    for number in present:
        if seed.random() < 0.1:
            lots.append([])
        lots[-1].append(number % node_serials.SPACE)
    return missing, lots


@settings(max_examples=300, deadline=None)
@given(streams())
def test_each_missing_serial_is_counted_once(stream: tuple[set[int], list[list[int]]]) -> None:
    """Out of order within the window nothing is missing that is not; all that is, is counted."""
    missing, lots = stream
    watched = Stream()
    for lot in lots:
        watched.see(*lot, step=0.05)
    watched.end()

    assert len(missing) == sum(loss.events for loss in watched.losses)
    assert sum(loss.late for loss in watched.losses) == 0
    assert all(loss.total == len(missing) for loss in watched.losses[-1:])


def told(
    lots: Iterable[list[int]], seed: random.Random, parts: int, *, going_on: bool
) -> list[Loss]:
    """Returns the losses for serials in parts, restored from a snapshot behind each part or not."""
    watch = SerialGaps(2.0)
    losses = []
    for number, lot in enumerate(lots):
        shares: list[list[int]] = [[] for _ in range(parts)]
        for serial in lot:
            seed.choice(shares).append(serial)
        for share in filter(None, shares):
            stamp = BOOT + number
            watch.see(Seen(None, ranges_of(sorted(set(share))), stamp, stamp, False))
            if going_on:
                snapshot = pack(watch.state())
                watch = SerialGaps(2.0)
                watch.restore(check(snapshot, SerialGapsState))
        losses += watch.mark(number * 0.7)
    return losses + watch.mark(len(list(lots)) * 0.7, final=True)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 60) | st.integers(2000, 2060), max_size=20), max_size=12),
    st.integers(0, 1000),
    st.integers(1, 5),
)
def test_parts_make_no_difference(lots: list[list[int]], seed: int, parts: int) -> None:
    """Whatever comes, it is found the same in how many parts it comes, and if others go on."""
    expected = told(lots, random.Random(seed), 1, going_on=False)

    assert expected == told(lots, random.Random(seed), parts, going_on=True)


def test_no_array_is_kept() -> None:
    """The state can be packed: it has plain lists."""
    watch = SerialGaps(WINDOW)
    watch.see(Seen(b"n", array("Q", [1, 2, 5, 5]), 1.0, 2.0, True))

    assert watch.state() == check(pack(watch.state()), SerialGapsState)


def a_loss(events: int, first: int, late: int = 0, total: int = 0) -> Loss:
    """Some that are missing, in one gap."""
    return Loss(None, events, 1, first, first + events - 1, 1.0, 2.0, False, late, total, 0.5)


def test_losses_are_added_up() -> None:
    """Two of them together are one; what has only come late changes no serials."""
    late = a_loss(0, 0, late=2, total=3)

    both = a_loss(3, 10, total=3).plus(a_loss(2, 5, late=1, total=4))
    assert (both.events, both.gaps, both.first, both.last) == (5, 2, 5, 12)
    assert (both.late, both.total) == (1, 4)
    assert a_loss(3, 10, total=5).plus(late) == a_loss(3, 10, late=2, total=3)
    assert late.plus(a_loss(3, 10, total=6)) == a_loss(3, 10, late=2, total=6)


def test_only_what_has_numbers_begins_a_node() -> None:
    """A start of auditd is no serial; parts of an interval with and without one fit together."""
    watch = SerialGaps(WINDOW)
    for ranges in ([], [7, 8], [], [10, 10]):
        watch.see(Seen(None, array("Q", ranges), 5.0, 6.0, True))
    assert watch.is_waiting
    (loss,) = watch.mark(1.0, final=True)

    assert (loss.first, loss.events, loss.restarted, loss.since) == (9, 1, True, 5.0)

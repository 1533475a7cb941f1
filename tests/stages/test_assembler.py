"""The assembler: bodies and annotations into lines, in the order of the stream."""

from array import array
from itertools import pairwise

from laurel_mp.events.reassembly.bodies import FILTERED, NO_QUERY
from laurel_mp.stages.assembler import Assembler, AssemblerCounters
from laurel_mp.stages.stage_messages import DecodedBodies

NOTHING = (0, list[bytes]())


def bodies(
    lines: list[bytes],
    keys: list[int],
    queries: list[int] | None = None,
    ranks: list[int] | None = None,
    unused: list[int] | None = None,
    sizes: list[int] | None = None,
) -> DecodedBodies:
    """Returns bodies of one worker: lines without their last brace, with NUL bytes as marks."""
    split = [line.split(b"\0", 1) for line in lines]
    waited = iter(queries or [])
    return DecodedBodies(
        [head for head, *_ in split],
        [tail for _, *tails in split for tail in tails or [b""]],
        array("Q", keys),
        array("Q", ranks or []),
        array("Q", [next(waited) if tails else NO_QUERY for _, *tails in split]),
        array("Q", waited),
        array("Q", unused or []),
        array("Q", sizes or []),
    )


def test_annotations_replace_marks() -> None:
    """Each mark becomes the annotation of the query that it waits for."""
    decoded = bodies([b"a\0b\0c"], [1], queries=[4, 3])

    assert Assembler(1).merge([decoded], [(3, [b"<3>", b"<4>"])]).text == b"a<4>b<3>c}\n"


def test_marks_behind_the_first() -> None:
    """An event may wait for several answers, and the next one for none."""
    decoded = bodies([b"a\0b\0c\0d", b"e", b"f\0g\0"], [1, 3, 5], queries=[3, 6, 4, 5, 7])
    answers = [b"<3>", b"<4>", b"<5>", b"<6>", b"<7>"]

    # The first mark of each event comes first.
    expected = b"a<3>b<4>c<5>d}\ne}\nf<6>g<7>}\n"
    assert Assembler(1).merge([decoded], [(3, answers)]).text == expected


def test_events_may_overtake_each_other() -> None:
    """They take their answers in whatever order they are complete, and over batches."""
    assembler = Assembler(1)
    first = bodies([b"b\0", b"a\0"], [1, 3], queries=[1, 0])
    second = bodies([b"d\0", b"c\0"], [5, 7], queries=[2, 4])

    expected = b"b<1>}\na<0>}\n"
    assert assembler.merge([first], [(0, [b"<0>", b"<1>", b"<2>", b"<3>"])]).text == expected
    assert assembler.merge([second], [(4, [b"<4>", b"<5>"])]).text == b"d<2>}\nc<4>}\n"
    assert assembler.waiting == 2


def test_annotation_waits_for_its_event() -> None:
    """A query is answered with its SYSCALL record; the event may take some more batches."""
    assembler = Assembler(1)

    assert assembler.merge([bodies([], [])], [(0, [b"<0>"])]).text == b""
    assert assembler.waiting == 1
    assert assembler.merge([bodies([b"a\0"], [1], queries=[0])], [(1, [])]).text == b"a<0>}\n"
    assert assembler.waiting == 0


def test_events_are_ordered_over_workers() -> None:
    """Lines of several workers come in the order in which their events were completed."""
    both = [bodies([b"a", b"c"], [1, 5]), bodies([b"b", b"d"], [3, 7])]

    assert Assembler(2).merge(both, [NOTHING, NOTHING]).text == b"a}\nb}\nc}\nd}\n"


def test_rank_orders_equal_keys() -> None:
    """Events that were given up at the same moment come in the order in which they began."""
    both = [bodies([b"b"], [4], ranks=[20]), bodies([b"a", b"c"], [4, 5], ranks=[10, 0])]

    assert Assembler(2).merge(both, [NOTHING, NOTHING]).text == b"a}\nb}\nc}\n"


def test_queries_of_workers_are_apart() -> None:
    """Each worker numbers its queries by itself."""
    both = [bodies([b"a\0"], [1], queries=[0]), bodies([b"b\0"], [3], queries=[0])]

    merged = Assembler(2).merge(both, [(0, [b"<A>"]), (0, [b"<B>"])])

    assert merged.text == b"a<A>}\nb<B>}\n"


def test_batch_without_events() -> None:
    """A batch without events has no text."""
    assert Assembler(2).merge([bodies([], [])] * 2, [NOTHING] * 2) == (b"", b"")


def test_events_are_counted() -> None:
    """The number of events given out says that none was lost on the way."""
    assembler = Assembler(2)
    counts = [assembler.counters.events]
    for number in (1, 2):
        merged = [bodies([b"x"] * number, [2 * n + 1 for n in range(number)]), bodies([], [])]
        assembler.merge(merged, [NOTHING, NOTHING])
        counts.append(assembler.counters.events)

    assert [later - before for before, later in pairwise(counts)] == [1, 2]


# --- queries that no mark waits for


def test_unused_queries_are_dropped() -> None:
    """An exec whose details came has two answers; one of them is shown, none is kept."""
    assembler = Assembler(1)
    decoded = bodies([b"a\0"], [1], queries=[1], unused=[0])

    assert assembler.merge([decoded], [(0, [b"<0>", b"<1>"])]).text == b"a<1>}\n"
    assert assembler.waiting == 0


def test_unused_queries_of_earlier_batches_are_dropped() -> None:
    """The details may come some batches later."""
    assembler = Assembler(2)
    nothing = bodies([], [])
    assembler.merge([nothing, nothing], [(0, [b"<0>"]), (0, [b"<other>"])])
    decoded = bodies([b"a\0"], [1], queries=[1], unused=[0])

    assert assembler.merge([decoded, nothing], [(1, [b"<1>"]), (1, [])]).text == b"a<1>}\n"
    assert assembler.waiting == 1  # the other worker's


# --- filters


def test_filtered_events_are_taken_out() -> None:
    """Events are filtered by their own mark, and by that of their annotation."""
    decoded = bodies(
        [b"a", b"b" + FILTERED + b"b", b"c\0"], [1, 3, 5], queries=[0], sizes=[1, 2, 4]
    )
    merged = Assembler(1).merge([decoded], [(0, [b"<" + FILTERED + b">"])])

    assert merged == (b"a}\n", b"bb}\nc<>}\n")


def test_filtered_lines_are_counted() -> None:
    """By the sizes of the events, so that every input line is accounted for."""
    assembler = Assembler(2)
    both = [
        bodies([b"a", b"d" + FILTERED], [1, 7], sizes=[1, 5]),
        bodies([b"b" + FILTERED, b"c"], [3, 5], sizes=[2, 3]),
    ]
    assembler.merge(both, [NOTHING, NOTHING])

    expected = AssemblerCounters(events=2, filtered_events=2, filtered_lines=7)
    assert expected == assembler.counters


def test_filtered_events_stay_in_order() -> None:
    """Over workers, and with ranks."""
    both = [
        bodies([b"c" + FILTERED, b"d"], [4, 5], ranks=[2, 0], sizes=[1, 1]),
        bodies([b"a", b"b" + FILTERED], [3, 4], ranks=[0, 1], sizes=[1, 1]),
    ]

    assert Assembler(2).merge(both, [NOTHING, NOTHING]) == (b"a}\nd}\n", b"b}\nc}\n")


def test_prefixes() -> None:
    """Filtered events have a prefix of their own."""
    decoded = bodies([b"a", b"b" + FILTERED], [1, 3], sizes=[1, 1])

    expected = (b"a}\n", b"b}\n")
    assert expected == Assembler(1).merge([decoded], [NOTHING])


def test_all_events_are_filtered() -> None:
    """Then nothing is left, not even a prefix."""
    decoded = bodies([b"a" + FILTERED], [1], sizes=[1])

    assert Assembler(1).merge([decoded], [NOTHING]) == (b"", b"a}\n")

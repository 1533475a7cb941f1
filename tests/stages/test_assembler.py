"""The assembler: bodies and annotations into lines, in the order of the stream."""

from array import array
from itertools import pairwise

from laurel_mp.stages.assembler import Assembler
from laurel_mp.stages.messages import DecodedBodies

NOTHING = (0, list[bytes]())


def bodies(
    lines: list[bytes],
    keys: list[int],
    rows: list[int] | None = None,
    ranks: list[int] | None = None,
) -> DecodedBodies:
    """What one worker completed."""
    return DecodedBodies(
        b"".join(line + b"\n" for line in lines),
        array("Q", keys).tobytes(),
        array("Q", ranks).tobytes() if ranks else b"",
        array("Q", rows or []).tobytes(),
    )


def test_annotations_replace_marks() -> None:
    """Each mark becomes the annotation of the row that it waits for."""
    decoded = bodies([b"a\0b\0c"], [1], rows=[4, 3])

    assert Assembler(1).merge([decoded], [(3, [b"<3>", b"<4>"])]).text == b"a<4>b<3>c\n"


def test_annotation_waits_for_its_event() -> None:
    """A row is answered when its SYSCALL record was seen; the event may take some more batches."""
    assembler = Assembler(1)

    assert assembler.merge([bodies([], [])], [(0, [b"<0>"])]).text == b""
    assert assembler.waiting == 1
    assert assembler.merge([bodies([b"a\0"], [1], rows=[0])], [(1, [])]).text == b"a<0>\n"
    assert assembler.waiting == 0


def test_events_are_ordered_over_workers() -> None:
    """Lines of several workers come in the order in which their events were completed."""
    both = [bodies([b"a", b"c"], [1, 5]), bodies([b"b", b"d"], [3, 7])]

    assert Assembler(2).merge(both, [NOTHING, NOTHING]).text == b"a\nb\nc\nd\n"


def test_rank_orders_equal_keys() -> None:
    """Events that were given up at the same moment come in the order in which they began."""
    both = [bodies([b"b"], [4], ranks=[20]), bodies([b"a", b"c"], [4, 5], ranks=[10, 0])]

    assert Assembler(2).merge(both, [NOTHING, NOTHING]).text == b"a\nb\nc\n"


def test_rows_of_workers_are_apart() -> None:
    """Each worker numbers its rows by itself."""
    both = [bodies([b"a\0"], [1], rows=[0]), bodies([b"b\0"], [3], rows=[0])]

    merged = Assembler(2).merge(both, [(0, [b"<A>"]), (0, [b"<B>"])])

    assert merged.text == b"a<A>\nb<B>\n"


def test_line_prefix() -> None:
    """Each line gets the prefix."""
    decoded = bodies([b"a", b"b"], [1, 3])

    assert Assembler(1, b"@cee: ").merge([decoded], [NOTHING]).text == b"@cee: a\n@cee: b\n"


def test_batch_without_events() -> None:
    """Nothing comes of nothing, not even a prefix."""
    assert Assembler(2, b"@cee: ").merge([bodies([], [])] * 2, [NOTHING] * 2) == (b"", b"")


def test_events_are_counted() -> None:
    """The number of events given out says that none was lost on the way."""
    assembler = Assembler(2)
    counts = [assembler.counters.events]
    for number in (1, 2):
        merged = [bodies([b"x"] * number, [2 * n + 1 for n in range(number)]), bodies([], [])]
        assembler.merge(merged, [NOTHING, NOTHING])
        counts.append(assembler.counters.events)

    assert [later - before for before, later in pairwise(counts)] == [1, 2]

"""Where a batch is cut, and where an event in a piece ends."""

import pytest

from laurel_mp.events import pieces

CALL = b"type=SYSCALL msg=audit("


@pytest.mark.parametrize(
    ("blob", "texts", "begin"),
    [
        (b"", [], 0),
        (b"type=CWD x\n", [], 11),
        (CALL + b"1): a\ntype=EOE b\n", [b"1): a\ntype=EOE b"], 0),
        (b"type=CWD x\n" + CALL + b"1): a\n" + CALL + b"2): b\n", [b"1): a", b"2): b"], 11),
        (b"type=CWD x=type=SYSCALL msg=audit(\n", [], 35),
    ],
)
def test_a_batch_is_split_where_events_begin(blob: bytes, texts: list[bytes], begin: int) -> None:
    """What stands in front of the first SYSCALL record is left out; only line starts count."""
    assert pieces.split(blob, 0, len(blob), CALL) == (texts, begin)


def test_runs_are_of_one_node() -> None:
    """A batch of several nodes falls into runs; one that begins without a node stays whole."""
    lines = [b"node=a x\n", b"node=a y\n", b"node=b z\n", b"w\n"]
    blob = b"".join(lines)

    assert list(pieces.runs(blob, 0, 18)) == [(b"a", 0, 18)]
    assert list(pieces.runs(blob, 0, 29)) == [(b"a", 0, 18), (b"b", 18, 27), (None, 27, 29)]
    assert list(pieces.runs(b"w\n" + blob, 0, 31)) == [(None, 0, 31)]


@pytest.mark.parametrize(
    ("rest", "node", "has_eoe", "expected"),
    [
        (b"type=CWD\0 a\ntype=EOE\0 ", None, True, 22),
        (b"type=CWD\0 a\ntype=EOE\0 \ntype=USER_CMD msg=audit(2): b", None, True, 22),
        (b"type=CWD\0 a\ntype=PROCTITLE\0 b\ntype=CWD\0 c", None, False, 29),
        (b"type=CWD\0 a\ntype=PROCTITLE\0 b", None, True, 0),
        (b"type=CWD\0 a\ntype=EOE\0 ", None, False, 0),
        (b"type=CWD\0 a \0 b\ntype=EOE\0 ", None, True, 0),
        (b"type=CWD msg=audit(2): a\0\ntype=EOE\0 ", None, True, 0),
        (b"type=SYSCALL\0 a\ntype=EOE\0 ", None, True, 0),
        (b"node=a type=EOE\0 ", b"a", True, 17),
        (b"node=b type=EOE\0 ", b"a", True, 0),
        (b"node=a type=EOE\0 ", None, True, 0),
        (b"", None, True, 0),
    ],
)
def test_the_end_of_an_event(rest: bytes, node: bytes | None, has_eoe: bool, expected: int) -> None:
    """An event ends with its own end, and no record of another one is in it."""
    assert pieces.closed(rest, node, has_eoe=has_eoe) == expected


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"type=CWD msg=audit(1.000:2): a\ntype=EOE msg=audit(1.000:2): ",
         b"type=CWD\0 a\ntype=EOE\0 "),
        (b"type=CWD msg=audit(1.000:3): a", b"type=CWD msg=audit(1.000:3): a"),
        (b"type=CWD msg=audit(1.000:2): 1.000:2", b"type=CWD\0 1.000:2"),
        (b"type=CWD msg=audit(1.000:2): 1.000:2):", b""),
        (b"type=CWD msg=audit(11.000:2): a", b""),
    ],
)  # fmt: skip
def test_an_id_is_taken_out_of_headers(rest: bytes, expected: bytes) -> None:
    """Of headers NUL is left; where the id stands elsewhere, the general way has to look."""
    id_ = b"1.000:2"

    blotted = rest.replace(id_ + b"):", pieces.BLOTS[len(id_)])
    assert pieces.without_id(blotted, id_) == expected

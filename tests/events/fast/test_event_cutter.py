"""Cuts of a batch, and ends of events within a piece."""

import pytest

from laurel_mp.events.fast import event_cutter

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
    """Text in front of the first SYSCALL record is left out; only line starts count."""
    assert event_cutter.split(blob, 0, len(blob), CALL) == (texts, begin)


def test_runs_are_of_one_node() -> None:
    """A batch of several nodes falls into runs; one that begins without a node stays whole."""
    lines = [b"node=a x\n", b"node=a y\n", b"node=b z\n", b"w\n"]
    blob = b"".join(lines)

    assert list(event_cutter.runs(blob, 0, 18)) == [(b"a", 0, 18)]
    assert list(event_cutter.runs(blob, 0, 29)) == [(b"a", 0, 18), (b"b", 18, 27), (None, 27, 29)]
    assert list(event_cutter.runs(b"w\n" + blob, 0, 31)) == [(None, 0, 31)]


@pytest.mark.parametrize(
    ("rest", "node", "has_eoe", "expected"),
    [
        (b"type=CWD@ a\ntype=EOE@ ", None, True, b"type=CWD@ a\ntype=EOE@ "),
        (b"type=EOE@ \ntype=USER_CMD msg=audit(2): b", None, True, b"type=EOE@ "),
        (b"type=PROCTITLE@ b\ntype=CWD@ c", None, False, b"type=PROCTITLE@ b"),
        (b"type=CWD@ a\ntype=PROCTITLE@ b", None, True, b""),
        (b"type=CWD@ a\ntype=EOE@ ", None, False, b""),
        (b"type=CWD@ a \0 b\ntype=EOE@ ", None, True, b""),
        (b"type=CWD@ a \0\0): b\ntype=EOE@ ", None, True, b""),
        (b"type=CWD msg=audit(2): a\0\ntype=EOE@ ", None, True, b""),
        (b"type=CWD msg=audit(1\0\0): a\ntype=EOE@ ", None, True, b""),
        (b"type=SYSCALL@ a\ntype=EOE@ ", None, True, b""),
        (b"node=a type=EOE@ ", b"a", True, b"node=a type=EOE@ "),
        (b"node=b type=EOE@ ", b"a", True, b""),
        (b"node=a type=EOE@ ", None, True, b""),
        (b"", None, True, b""),
    ],
)
def test_the_end_of_an_event(
    rest: bytes, node: bytes | None, has_eoe: bool, expected: bytes
) -> None:
    """An event ends with its own end, and no record of another one is in it."""
    rest, expected = [text.replace(b"@", b" msg=audit(\0\0\0):") for text in (rest, expected)]

    assert rest[: event_cutter.event_length(rest, node, has_eoe=has_eoe)] == expected

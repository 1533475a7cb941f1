"""Messages arrive as they were sent, and others are refused."""

from array import array

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.events.coalescer import Counters
from laurel_mp.pipeline import wire
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.messages import ClockMark, DecodedBodies, DecodedRows, Segment, Share

NUMBER = st.integers(0, 2**63)
SMALL = st.integers(0, 1000)
NUMBERS = st.lists(st.integers(0, 2**64 - 1), max_size=5).map(lambda n: array("Q", n).tobytes())
LINES = st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=5)
COUNTERS = st.builds(Counters, *[NUMBER] * 7)
GIVEN = st.builds(AssemblerCounters, *[NUMBER] * 3)

SHARES = st.builds(
    wire.ShareMessage,
    NUMBER,
    NUMBER,
    st.builds(
        Share,
        st.binary(),
        st.lists(st.builds(Segment, NUMBER, NUMBER)),
        st.lists(st.builds(ClockMark, NUMBER, st.floats(0, 1e12), st.booleans(), NUMBER)),
        NUMBER,
        st.booleans(),
    ),
    st.binary(),
)
ROWS = st.builds(
    wire.RowsMessage,
    NUMBER,
    SMALL,
    st.booleans(),
    st.builds(
        DecodedRows,
        NUMBER,
        NUMBERS,
        st.binary(),
        st.binary(),
        st.binary(),
        st.lists(st.tuples(NUMBER, st.floats(0, 1e12))),
        NUMBERS,
    ),
)
BODIES = st.builds(
    wire.BodiesMessage,
    NUMBER,
    SMALL,
    NUMBER,
    st.booleans(),
    NUMBER,
    COUNTERS,
    NUMBER,
    st.builds(DecodedBodies, st.binary(), *[NUMBERS] * 5),
    st.binary(),
)
ANNOTATIONS = st.builds(wire.AnnotationsMessage, NUMBER, st.lists(LINES, max_size=4))
ACKS = st.builds(wire.AckMessage, NUMBER, NUMBER, st.booleans(), COUNTERS, NUMBER, GIVEN)
FAILURES = st.builds(wire.FailureMessage, st.text(), st.text(), st.booleans())


@given(SHARES)
def test_share(message: wire.ShareMessage) -> None:
    """A share arrives as it was sent."""
    assert message == wire.decode_share(wire.encode_share(message))


@given(ROWS)
def test_rows(message: wire.RowsMessage) -> None:
    """Rows arrive as they were sent."""
    assert message == wire.decode_rows(wire.encode_rows(message))


@given(BODIES)
def test_bodies(message: wire.BodiesMessage) -> None:
    """Bodies arrive as they were sent."""
    assert message == wire.decode_bodies(wire.encode_bodies(message))


@given(ANNOTATIONS)
def test_annotations(message: wire.AnnotationsMessage) -> None:
    """Annotations arrive as they were sent, empty ones too."""
    assert message == wire.decode_annotations(wire.encode_annotations(message))


@given(ACKS)
def test_ack(message: wire.AckMessage) -> None:
    """An acknowledgement arrives as it was sent."""
    assert message == wire.decode_report(wire.encode_ack(message))


@given(FAILURES)
def test_failure(message: wire.FailureMessage) -> None:
    """A failure arrives as it was sent."""
    assert message == wire.decode_report(wire.encode_failure(message))


def test_every_kind_differs() -> None:
    """The kind of a message can be told without decoding it."""
    ack = wire.AckMessage(1, 2, True, Counters(), 0, AssemblerCounters())

    assert wire.Kind.ACK is wire.kind_of(wire.encode_ack(ack))[0]


def test_other_version() -> None:
    """A message of another version is refused, and both versions are named."""
    frames = [msgpack.packb((wire.VERSION + 1, wire.Kind.ACK))]

    with pytest.raises(
        wire.WireError, match=f"version {wire.VERSION + 1}, expected {wire.VERSION}"
    ):
        wire.decode_report(frames)


@pytest.mark.parametrize(
    "header", [b"", b"\xc1", b"x", msgpack.packb(7), msgpack.packb([]), msgpack.packb([1]),
               msgpack.packb([1, 99])]
)  # fmt: skip
def test_no_message(header: bytes) -> None:
    """What is no message is refused."""
    with pytest.raises(wire.WireError):
        wire.kind_of([header])


def test_no_frames() -> None:
    """A message without frames is refused."""
    with pytest.raises(wire.WireError):
        wire.kind_of([])


def test_unexpected_kind() -> None:
    """A message of another kind than was expected is refused, and both kinds are named."""
    frames = wire.encode_failure(wire.FailureMessage("x", "y", False))

    with pytest.raises(wire.WireError, match="FAILURE message, expected SHARE"):
        wire.decode_share(frames)
    with pytest.raises(wire.WireError, match="ANNOTATIONS message, expected ACK or FAILURE"):
        wire.decode_report(wire.encode_annotations(wire.AnnotationsMessage(1, [])))

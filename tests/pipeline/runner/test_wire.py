"""Messages arrive as they were sent, and others are refused."""

from array import array
from dataclasses import fields

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.serial_collector import Interval, Seen
from laurel_mp.pipeline.runner import wire
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.node_serials import Loss
from laurel_mp.stages.stage_messages import ClockMark, DecodedBodies, DecodedQueries, Segment, Share

NUMBER = st.integers(0, 2**63)
SMALL = st.integers(0, 1000)
NUMBERS = st.lists(st.integers(0, 2**64 - 1), max_size=5).map(lambda n: array("Q", n))
LINE = st.binary(max_size=9).map(lambda line: line.replace(b"\n", b""))
LINES = st.lists(LINE, max_size=5)
COUNTERS = st.builds(DecoderCounters, *[NUMBER] * len(fields(DecoderCounters)))
GIVEN = st.builds(AssemblerCounters, *[NUMBER] * len(fields(AssemblerCounters)))
NODE = st.none() | st.binary(min_size=1)
TIME = st.floats(0, 1e12)
SEEN = st.builds(Seen, NODE, NUMBERS, TIME, TIME, st.booleans())
INTERVALS = st.lists(st.builds(Interval, NUMBER, TIME, st.booleans(), st.lists(SEEN)))
NOTES = st.lists(st.binary(), max_size=2)
LOSS = st.builds(
    Loss,
    NODE,
    *[NUMBER] * 4,
    TIME,
    TIME,
    st.booleans(),
    NUMBER,
    NUMBER,
    TIME,
)

SHARES = st.builds(
    wire.ShareMessage,
    NUMBER,
    SMALL,
    st.builds(
        Share,
        st.binary(),
        st.lists(st.builds(Segment, NUMBER, NUMBER)),
        st.lists(st.builds(ClockMark, NUMBER, st.floats(0, 1e12), st.booleans(), NUMBER)),
        NUMBER,
        st.booleans(),
        NOTES,
    ),
    st.binary(),
)


def of_each(count: int) -> "tuple[SearchStrategy[list[bytes]], SearchStrategy[array[int]]]":
    """Lists of lines and arrays of numbers that have so many items."""
    lines = st.lists(LINE, min_size=count, max_size=count)
    numbers = st.lists(NUMBER, min_size=count, max_size=count).map(lambda n: array("Q", n))
    return lines, numbers


@st.composite
def decoded_queries(draw: st.DrawFn) -> DecodedQueries:
    """Queries as a worker asks them."""
    count = draw(st.integers(0, 5))
    lines, numbers = of_each(count)
    calls = st.binary(min_size=count, max_size=count)
    clocks = st.lists(st.tuples(NUMBER, st.floats(0, 1e12)))
    return draw(st.builds(DecodedQueries, NUMBER, numbers, calls, lines, lines, clocks, NUMBERS))


@st.composite
def decoded_bodies(draw: st.DrawFn) -> DecodedBodies:
    """Events as a worker completes them."""
    lines, numbers = of_each(draw(st.integers(0, 5)))
    return draw(
        st.builds(
            DecodedBodies, lines, lines, numbers, NUMBERS, numbers, *[NUMBERS] * 3, INTERVALS, NOTES
        )
    )


QUERIES = st.builds(wire.QueriesMessage, NUMBER, SMALL, SMALL, decoded_queries())
BODIES = st.builds(
    wire.BodiesMessage,
    NUMBER,
    SMALL,
    SMALL,
    NUMBER,
    COUNTERS,
    NUMBER,
    decoded_bodies(),
    st.binary(),
)
ANNOTATIONS = st.builds(wire.AnnotationsMessage, NUMBER, st.lists(LINES, max_size=4))
REPORTS = (
    st.builds(
        wire.AckMessage,
        NUMBER,
        SMALL,
        COUNTERS,
        NUMBER,
        GIVEN,
        st.lists(LOSS, max_size=3).map(tuple),
        st.booleans(),
    )
    | st.builds(wire.SnapshotMessage, NUMBER, st.text(), SMALL, st.binary())
    | st.builds(wire.StalledMessage, st.text())
    | st.builds(wire.FailureMessage, st.text(), st.text(), st.booleans(), st.booleans())
)


@given(SHARES)
def test_share(message: wire.ShareMessage) -> None:
    """A share arrives as it was sent."""
    assert message == wire.decode_share(wire.encode_share(message))


@given(QUERIES)
def test_queries(message: wire.QueriesMessage) -> None:
    """Queries arrive as they were sent."""
    assert message == wire.decode_queries(wire.encode_queries(message))


@given(BODIES)
def test_bodies(message: wire.BodiesMessage) -> None:
    """Bodies arrive as they were sent."""
    assert message == wire.decode_bodies(wire.encode_bodies(message))


@given(ANNOTATIONS)
def test_annotations(message: wire.AnnotationsMessage) -> None:
    """Annotations arrive as they were sent, empty ones too."""
    assert message == wire.decode_annotations(wire.encode_annotations(message))


@given(REPORTS)
def test_report(message: wire.Report) -> None:
    """Reports arrive at ingest as they were sent."""
    assert message == wire.decode_report(wire.encode_report(message))


def test_every_kind_differs() -> None:
    """The kind of a message can be told without decoding it."""
    ack = wire.AckMessage(1, 2, DecoderCounters(), 0, AssemblerCounters())

    assert wire.Kind.ACK is wire.kind_of(wire.encode_report(ack))[0]


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
    """Bytes that are no message raise WireError."""
    with pytest.raises(wire.WireError):
        wire.kind_of([header])


def test_no_frames() -> None:
    """A message without frames is refused."""
    with pytest.raises(wire.WireError):
        wire.kind_of([])


def test_unexpected_kind() -> None:
    """A message of another kind than was expected is refused, and both kinds are named."""
    frames = wire.encode_report(wire.FailureMessage("x", "y", False, False))

    with pytest.raises(wire.WireError, match="FAILURE message, expected SHARE"):
        wire.decode_share(frames)
    with pytest.raises(wire.WireError, match="ANNOTATIONS message, expected a report"):
        wire.decode_report(wire.encode_annotations(wire.AnnotationsMessage(1, [])))

"""A worker's share of a batch, decoded."""

from array import array

from laurel_mp.events.reassembly.bodies import clock_key
from laurel_mp.events.reassembly.coalescer import Limits
from laurel_mp.events.rendering.syscall import Call
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.stages.decoder import Decoder
from laurel_mp.stages.stage_messages import ClockMark, Segment, Share

SYSCALL = (
    b"type=SYSCALL msg=audit(1.000:%d): arch=c000003e syscall=2 success=yes exit=3 a0=0 a1=1 a2=2 "
    b"a3=3 items=0 ppid=1 pid=7 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 "
    b'tty=(none) ses=1 comm="ls" exe="/bin/ls" key=(null)\n'
)
TITLE = b'type=PROCTITLE msg=audit(1.000:%d): proctitle="x"\n'


def decoder(options: RecordOptions | None = None) -> Decoder:
    """One that has seen nothing yet."""
    return Decoder(options or RecordOptions(), Limits(), b"here")


def share(*lines: bytes, position: int = 0, marks: list[ClockMark] | None = None) -> Share:
    """Lines in one piece; the arrival clock stands in front of them unless there are marks."""
    blob = b"".join(lines)
    marks = [ClockMark(position, 100.0, False)] if marks is None else marks
    segments = [Segment(position, len(blob))] if blob else []
    return Share(blob, segments, marks, position + len(blob), False)


def test_the_tracker_hears_of_the_clock() -> None:
    """Each mark stands in front of the line that it stands in front of in the stream."""
    marks = [ClockMark(0, 100.0, False), ClockMark(1000, 101.0, False)]
    _, queries = decoder().decode(share(SYSCALL % 1, TITLE % 1, marks=marks))

    assert queries.clocks == [(clock_key(0), 100.0), (clock_key(1000), 101.0)]
    (key,) = array("Q", queries.keys)
    assert clock_key(0) < key < clock_key(1000)


def test_the_tracker_hears_of_the_clock_without_queries() -> None:
    """Also a worker that asks nothing says what time it is: it may be the first."""
    _, queries = decoder().decode(share())

    assert (queries.calls, list(queries.clocks)) == (b"", [(0, 100.0)])


def test_queries_are_numbered_over_batches() -> None:
    """The assembler knows answers by these numbers."""
    one = decoder()
    one.decode(share(SYSCALL % 1, TITLE % 1))
    bodies, queries = one.decode(share(SYSCALL % 2, TITLE % 2, position=1000))

    assert (queries.base, list(bodies.queries), queries.calls) == (1, [1], bytes([Call.PLAIN]))


def test_names_are_forgotten() -> None:
    """Text with a user's name is rendered again."""
    names = [b"before"]
    one = decoder(RecordOptions(user_name=lambda _: names[0], group_name=lambda _: b"g"))
    first, _ = one.decode(share(SYSCALL % 1, TITLE % 1))
    names[0] = b"after"
    one.forget()
    second, _ = one.decode(share(SYSCALL % 2, TITLE % 2, position=1000))

    assert b'"UID":"before"' in first.heads[0]
    assert b'"UID":"after"' in second.heads[0]

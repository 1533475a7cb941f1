"""Whatever comes in: nothing is raised, no neighbour is lost, memory and time stay bounded."""

import json
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurel_mp.events.reassembly import coalescer, known_events
from laurel_mp.events.rendering import event_renderer
from laurel_mp.stages import router, tracker
from tests.support.pipelines import Outcome, StagePipeline, outcome, reads_of, run, with_pipeline
from tests.support.streams import eoe, event, record, syscall, user

BEFORE = eoe(1) + event(100)
BEHIND = event(900)


def between(bad: bytes, *, workers: int = 2) -> Outcome:
    """Run `bad` between two good events, which must come out as ever."""
    found = run(reads_of(BEFORE + bad + BEHIND, 1 << 18), workers)
    good = run([BEFORE + BEHIND]).events
    assert good[0] in found.events
    assert good[1] in found.events
    assert found.counters["in_flight"] == 0
    for line in found.events:
        json.loads(line)
    return found


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"\0",
        b"\x1d",
        b"\xff\xfe",
        b"hello",
        b"type=",
        b"type=EOE msg=audit(1795331",
        b"type=SYSCALL msg=audit(1000.000:",
        b"type=SYSCALL msg=audit(1000.000:1",
        b"type=SYSCALL msg=audit(1000.000:1)",
        b"type=SYSCALL msg=audit(1000.000:): a=1",
        b"type=SYSCALL msg=audit(1000.000:-1): a=1",
        b"type=SYSCALL msg=audit(1000.000:x): a=1",
        b"type=SYSCALL msg=audit(1000.000:" + b"9" * 21 + b"): a=1",
        b"type=SYSCALL msg=audit(1000:1): a=1",
        b"type=SYSCALL msg=audit(" + b"1" * 13 + b".000:1): a=1",
        b"type=SYSCALL  msg=audit(1000.000:1): a=1",
        b"type=SYS CALL msg=audit(1000.000:1): a=1",
        b"type=SYS\0CALL msg=audit(1000.000:1): a=1",
        b"type=" + b"X" * 65 + b" msg=audit(1000.000:1): a=1",
        b" type=SYSCALL msg=audit(1000.000:1): a=1",
        b"node= type=SYSCALL msg=audit(1000.000:1): a=1",
        b"node=a b type=SYSCALL msg=audit(1000.000:1): a=1",
        b"node=a\0 type=SYSCALL msg=audit(1000.000:1): a=1",
        b"node=" + b"n" * 256 + b" type=SYSCALL msg=audit(1000.000:1): a=1",
        b"type=SYSCALL msg=audit(1000.000:1): a=1".replace(b"type", b"\xef\xbb\xbftype"),
    ],
)
def test_malformed(line: bytes) -> None:
    """A line without a valid header is malformed and nothing else, kept with its position."""
    found = between(line + b"\n")

    assert ((len(BEFORE), line),) == found.malformed
    assert found.counters["malformed"] == 1
    assert found.counters["events"] == 2


@pytest.mark.parametrize(
    "line",
    [
        b"type=X msg=audit(0.000:0):",
        b"type=X msg=audit(0.000:0): ",
        b"type=X msg=audit(999999999999.999:" + b"9" * 20 + b"): a=1",
        b"type=UNKNOWN[1999] msg=audit(5.000:1): a=1",
        b"type=UNKNOWN[99999999999] msg=audit(5.000:1): a=1",
        b"type=never_heard_of-it msg=audit(5.000:1): a=1",
        b'type=\xff"{ msg=audit(5.000:1): a=1',
        b'node=\xff"{\t type=PATH msg=audit(5.000:1): a=1',
        b"node=" + b"n" * 255 + b" type=PATH msg=audit(5.000:1): a=1",
        b'type=PATH msg=audit(5.000:1): \0\0\0=\0 \0="\0',
        b"type=PATH msg=audit(5.000:1): name=616",
        b'type=PATH msg=audit(5.000:1): name="/a',
        b"type=PATH msg=audit(5.000:1): name=\xff\xfe\xc3",
        b"type=PATH msg=audit(5.000:1): =\x1d=\x1d=",
        b"type=PATH msg=audit(5.000:1): a\tb\r=\x0b\x0c\x1c\x85 opid=1\topid=2 o\tpid=3",
        b"type=OBJ_PID msg=audit(5.000:1): opid=99999999999999999999 ppid=1 \xffpid=3",
        b"type=EXECVE msg=audit(5.000:1): argc=999999999999 a0=",
        b'type=EXECVE msg=audit(5.000:1): a999999999="x" a0[999999999]=41',
        b"type=EXECVE msg=audit(5.000:1): argc=1 a0_len=99999999999 a0[0]=4",
        b"type=SOCKADDR msg=audit(5.000:1): saddr=0",
        b"type=SOCKADDR msg=audit(5.000:1): saddr=02",
        b"type=PROCTITLE msg=audit(5.000:1): proctitle=4",
        b"type=SYSCALL msg=audit(5.000:1): arch= syscall=-1 pid=x ppid=",
        b"type=SYSCALL msg=audit(5.000:1): " + b"pid=11 ppid=12 comm=a exe=b " * 2,
        b"type=SYSCALL msg=audit(5.000:1): pid=" + b"1" * 5000 + b" ppid=2 comm=a exe=b",
        b"type=USER_CMD msg=audit(5.000:1): msg='",
        b"type=USER_CMD msg=audit(5.000:1): msg='''\x1dUID=\x1d'",
        b"type=AVC msg=audit(5.000:1): avc:  denied  { read",
        b"type=EOE msg=audit(5.000:1): anything=1",
        b"type=DAEMON_END msg=audit(5.000:1): subj=",
    ],
)
def test_odd_but_valid(line: bytes) -> None:
    """A line with a valid header is never malformed, whatever its body holds."""
    found = between(line + b"\n")

    assert found.malformed == ()
    assert found.counters["events"] == 3 - line.startswith(b"type=EOE")


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    """Random bytes between events are lines like all others."""
    found = between(data + b"\n")

    assert found.counters["lines"] == 7 + data.count(b"\n") + 1


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([
    b"type=", b"SYSCALL", b"PATH", b"EXECVE", b"EOE", b"PROCTITLE", b"USER_CMD", b"AVC",
    b" msg=audit(", b"1000.000:", b"7", b"):", b" ", b"\n", b"node=a ", b"arch=c000003e",
    b"syscall=59", b"success=yes exit=0", b"a0=", b"a1[2]=", b"argc=", b"items=2", b"ppid=1",
    b"pid=7", b"comm=", b'"x"', b"'", b"\x1d", b"\0", b"\xff", b"4142", b"msg='", b"=", b"{",
    b"}", b"opid=7", b"saddr=", b"key=", b"(null)", b"?",
]), max_size=60))  # fmt: skip
def test_almost_records(pieces: list[bytes]) -> None:
    """Pieces of records in any order are lines like all others."""
    data = b"".join(pieces) + b"\n"
    found = between(b"type=SYSCALL msg=audit(1000.000:7): " + data)

    assert found.counters["lines"] == 7 + data.count(b"\n")


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_half_a_line_at_the_end(cut: int) -> None:
    """A last line without its end is a line; what is cut off costs nothing but itself."""
    stream = BEFORE + event(500)
    data = stream[: len(stream) - cut]
    found = run([data])

    assert data.count(b"\n") + (not data.endswith(b"\n")) == found.counters["lines"]
    assert run([BEFORE]).events[0] in found.events


@pytest.mark.parametrize("size", [1 << 20, 5 << 20])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_very_long_lines(size: int, end: bytes) -> None:
    """A line of 1 MiB is taken, one of 5 MiB is malformed; at the end of the input, too."""
    line = b"type=PATH msg=audit(1000.000:7): name=" + b"41" * (size // 2)
    found = run(reads_of(BEFORE + line + end, 1 << 18), 2)

    assert (size > 4 << 20) == found.counters["malformed"]
    assert (size <= 4 << 20) == (b"A" * (size // 2) in found.text)
    assert found.counters["lines"] == 5


def test_first_megabytes_without_a_line() -> None:
    """An input that is no text at all is one malformed line, and not kept in memory."""
    pipeline = StagePipeline(with_pipeline(), 0)
    tracemalloc.start()
    for _ in range(200):
        pipeline.feed(b"x" * (1 << 17))
    pipeline.end_of_line()
    pipeline.feed(event(7))
    pipeline.finish()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert outcome(pipeline).counters["malformed"] == 1
    assert outcome(pipeline).counters["events"] == 1
    assert peak < 16 << 20


def test_two_hosts_with_equal_serials() -> None:
    """Equal ids of two hosts, line by line in turn, are two events, each with its own records."""
    lines = [line + b"\n" for line in event(7).split(b"\n")[:-1]]
    data = b"".join(b"node=%b %b" % (node, line) for line in lines for node in (b"a", b"b"))
    found = [json.loads(line) for line in between(data).events]

    assert [each["NODE"] for each in found if each["ID"] == "1000.000:7"] == ["a", "b"]


def test_serials_that_jump_back() -> None:
    """Serials may start over at any time: another time makes it another event."""
    data = event(900, second=2000) + event(5, second=2001) + event(900, second=2002)

    assert between(data).counters["events"] == 5


def test_records_in_any_order() -> None:
    """Records of two events, in any order but with their ends last, are two whole events."""
    one = [record(b"PATH", 7, b"item=%d" % item) for item in range(3)] + [syscall(7, items=3)]
    other = [record(b"PATH", 8, b"item=%d" % item) for item in range(3)] + [syscall(8, items=3)]
    lines = [line for pair in zip(one, reversed(other), strict=True) for line in pair]
    found = [json.loads(line) for line in between(b"".join(lines) + eoe(8) + eoe(7)).events]

    assert [each["ID"] for each in found[1:3]] == ["1000.000:8", "1000.000:7"]
    assert all(len(each["PATH"]) == 3 and "INCOMPLETE" not in each for each in found[1:3])


@pytest.mark.no_cover  # for its size
def test_a_million_arguments() -> None:
    """An EXECVE record with a million arguments is an event like others."""
    body = b"argc=1000000" + b"".join(b' a%d=""' % number for number in range(1_000_000))
    config = with_pipeline(max_line_bytes=16 << 20)
    data = BEFORE + syscall(7) + record(b"EXECVE", 7, body) + eoe(7) + BEHIND
    found = run(reads_of(data, 1 << 18), 0, config)

    assert len(json.loads(found.events[1])["EXECVE"]["ARGV"]) == 1_000_000


def test_forged_separators() -> None:
    """A socket's path with separators and a forged record in it stays one value of one record."""
    forged = b'SADDR={ saddr_fam=local path=/x\x1dARCH=bogus } \x1dUID="evil }'
    body = b"saddr=01002F78" + b"\x1d" + forged
    (found,) = [
        json.loads(line)
        for line in between(record(b"SOCKADDR", 7, body) + eoe(7)).events
        if b"SOCKADDR" in line
    ]

    assert {"saddr", "SADDR"} == set(found["SOCKADDR"][0])


@pytest.fixture
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits by bytes are so low that a flood of some megabytes shows what it leads to."""
    monkeypatch.setattr(router, "STEP", 1 << 14)
    monkeypatch.setattr(coalescer, "IN_FLIGHT_BYTES", 1 << 16)
    monkeypatch.setattr(known_events, "REMEMBERED_BYTES", 1 << 16)
    monkeypatch.setattr(router, "MAX_LINES", 500)
    monkeypatch.setattr(tracker, "MAX_ANSWERS", 500)
    for memory in ("AUXILIARY_BYTES", "RECORD_BYTES", "CALLER_BYTES", "OPERATION_BYTES"):
        monkeypatch.setattr(event_renderer, memory, 1 << 16)


def never_ending(first: int) -> Iterator[bytes]:
    """Events that begin and never end."""
    return (syscall(serial) for serial in range(first, first + 4_000))


def tiny_records(first: int) -> Iterator[bytes]:
    """Events that never end, of hardly more than a header each."""
    return (b"type=A msg=audit(1000.000:%d):\n" % n for n in range(first, first + 9_000))


def distinct_types(first: int) -> Iterator[bytes]:
    """Records of ever new types."""
    return (record(b"T%d" % serial, serial, b"a=1") for serial in range(first, first + 4_000))


def one_without_end(_: int) -> Iterator[bytes]:
    """Empty records of one and the same event."""
    return (b"type=PATH msg=audit(1000.000:9):\n" for _ in range(12_000))


def single_records(first: int) -> Iterator[bytes]:
    """Records from user space, each of which is remembered to know it again."""
    return (user(serial) for serial in range(first, first + 4_000))


def many_hosts(first: int) -> Iterator[bytes]:
    """An event of each of ever new hosts."""
    return (event(7, node=b"h%d" % host) for host in range(first, first + 2_000))


def layouts(first: int) -> Iterator[bytes]:
    """Records of one type with ever new keys."""
    return (record(b"PATH", 7, b"k%d=1" % key) for key in range(first, first + 4_000))


def garbage(first: int) -> Iterator[bytes]:
    """Lines that are none."""
    return (b"line %d\n" % number for number in range(first, first + 10_000))


@pytest.mark.no_cover  # it measures
@pytest.mark.usefixtures("_small_limits")
@pytest.mark.parametrize(
    "flood",
    [
        never_ending,
        tiny_records,
        distinct_types,
        one_without_end,
        single_records,
        many_hosts,
        layouts,
        garbage,
    ],
)
def test_memory_is_bounded(flood: Callable[[int], Iterator[bytes]]) -> None:
    """Memory after a flood does not grow with its length."""
    config = with_pipeline(max_event_bytes=1 << 17, max_line_bytes=1 << 16)
    pipeline = StagePipeline(config, 0)
    kept = []
    tracemalloc.start()
    pipeline.feed(eoe(1))
    for part in range(6):
        for read in reads_of(b"".join(flood(1000 + part * 100_000)), 1 << 16):
            pipeline.feed(read)
            pipeline.text.clear()
            pipeline.malformed.clear()
            pipeline.malformed_text.clear()
        kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    pipeline.finish()
    pipeline.ledger().check()

    # The process table has its own bound, much higher than such a flood can get here.
    assert kept[-1] < 1.25 * kept[2] + (1 << 18), kept


def quadratic(make: Callable[[int], bytes]) -> float:
    """Returns the ratio of times for eight times as much input."""
    times = []
    for count in (2_500, 20_000):
        data = make(count)
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            run(reads_of(data, 1 << 18))
            best = min(best, time.process_time() - start)
        times.append(max(best, 0.003))
    return times[1] / times[0]


@pytest.mark.no_cover  # it measures
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda n: syscall(7) * n, id="SYSCALL records of one event"),
        pytest.param(lambda n: (syscall(7) + record(b"PATH", 7) * 9) * (n // 10), id="in turn"),
        pytest.param(lambda n: eoe(1) + record(b"PATH", 7) * n + eoe(7), id="PATH records"),
        pytest.param(
            lambda n: b"".join(record(b"T%d" % type_, 7) for type_ in range(n)), id="types"
        ),
        pytest.param(lambda n: record(b"PATH", 7, b"type=EOE msg=audit(" * n), id="words of EOE"),
        pytest.param(lambda n: record(b"PATH", 7, b"a=" + b" " * n * 9 + b"."), id="blanks"),
        pytest.param(lambda n: user(7, b"a=" + b" " * n * 9), id="blanks at the end"),
        pytest.param(lambda n: record(b"PATH", 7, b"word " * n), id="words"),
        pytest.param(lambda n: record(b"PATH", 7, b"a" * n * 9), id="a word"),
        pytest.param(lambda n: record(b"PATH", 7, b'a="' * n), id="open quotes"),
        pytest.param(
            lambda n: record(b"PATH", 7, b" ".join(b"k%d=1" % key for key in range(n))), id="keys"
        ),
        pytest.param(lambda n: record(b"PATH", 7, b"k=1 " * n), id="the same key"),
        pytest.param(lambda n: b"".join(syscall(100 + serial) for serial in range(n)), id="events"),
        pytest.param(
            lambda n: (
                syscall(7)
                + b"".join(record(b"EXECVE", 7, b'a%d="x"' % index) for index in range(n))
            ),
            id="EXECVE records",
        ),
        pytest.param(lambda n: b"x\n" * n, id="malformed lines"),
        pytest.param(
            lambda n: b"".join(record(b"PATH", 7, second=serial * 9) for serial in range(n)),
            id="clock marks",
        ),
    ],
)
def test_time_is_linear(make: Callable[[int], bytes]) -> None:
    """Eight times as much hostile input takes about eight times as long, not 64 times."""
    assert quadratic(make) < 24


def test_malformed_lines_are_kept_whole() -> None:
    """The log of malformed lines has each line as it was, but for the rest of far too long ones."""
    config = with_pipeline(max_line_bytes=1024)
    lines = [b"a\0b", b"x" * 2048, b"y" * 2049, b"", b"c"]
    found = run([b"\n".join(lines) + b"\n"], 0, config)

    assert [lines[0], lines[1], b"y" * 256, b"", b"c"] == [line for _, line in found.malformed]
    text = b"\n".join(lines) + b"\n"
    starts = [0, *[match.end() for match in re.finditer(rb"\n", text)]][:-1]
    assert starts == [position for position, _ in found.malformed]

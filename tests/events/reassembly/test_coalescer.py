"""Lines into events: what belongs together, and when it is complete."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.events.fast.event_feeder import EventFeeder
from laurel_mp.events.reassembly import coalescer, known_events
from laurel_mp.events.reassembly.bodies import FILTERED, NO_QUERY, Bodies, clock_key, line_key
from laurel_mp.events.reassembly.coalescer import Coalescer, Limits
from laurel_mp.events.reassembly.content_filters import ContentFilters
from laurel_mp.events.reassembly.exec_observer import (
    ExecObserver,
    Finished,
    Started,
)
from laurel_mp.events.rendering.execution import Execution, LazyExecution
from laurel_mp.events.rendering.syscall import Call
from laurel_mp.records.record_options import RecordOptions
from tests.support import decoding
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name, corpus_part
from tests.support.decoding import event, events
from tests.support.records import OPTIONS, UNHURRIED, group_name, streams, user_name

WHO = (
    b"ppid=1 pid=7 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) "
    b'ses=1 comm="ls" exe="/bin/ls" key=(null)'
)
SYSCALL = (
    b"type=SYSCALL msg=audit(1.000:%d): arch=c000003e syscall=2 success=yes exit=3 "
    b"a0=0 a1=1 a2=2 a3=3 items=%d " + WHO
)
CWD = b'type=CWD msg=audit(1.000:%d): cwd="/"'
PATH = b'type=PATH msg=audit(1.000:%d): item=0 name="a"'
TITLE = b'type=PROCTITLE msg=audit(1.000:%d): proctitle="x"'
EOE = b"type=EOE msg=audit(1.000:%d): "
SECCOMP = b"type=SECCOMP msg=audit(1.000:%d): sig=31"
USER = b"type=USER msg=audit(1.000:%d): pid=1 msg='op=x'"


class Stream:
    """A coalescer and the position of its stream."""

    def __init__(
        self,
        *,
        has_eoe: bool = True,
        limits: Limits | None = None,
        options: RecordOptions | None = None,
        observer: ExecObserver | None = None,
        filters: ContentFilters | None = None,
    ) -> None:
        self.coalescer = Coalescer(
            options or RecordOptions(), limits or Limits(), b"here", observer, filters
        )
        self._feed = EventFeeder(self.coalescer).feed
        self.has_eoe = has_eoe
        self.position = 0
        self.clock(100.0)

    def clock(self, now: float, oldest: int = 0) -> None:
        """Move the arrival clock."""
        self.coalescer.clock(self.position, now, self.has_eoe, oldest)

    def feed(self, *lines: bytes) -> None:
        """Feed lines in one piece."""
        text = b"".join([line + b"\n" for line in lines])
        self._feed(text, 0, len(text), self.position)
        self.position += len(text)

    def taken(self) -> list[Any]:
        """The events that are complete since the last call, without their processes."""
        bodies, _ = self.coalescer.take()
        return [decoding.parse(_without_marks(line)) for line in lines_of(bodies)]

    def query_calls(self) -> list[Call]:
        """Returns the calls of queries since the last call."""
        _, queries = self.coalescer.take()
        return list(map(Call, queries.calls))

    def finished(self) -> list[Any]:
        """Returns the events that are complete when the stream ends here."""
        self.coalescer.finish(self.position)
        return self.taken()


def lines_of(bodies: Bodies) -> list[bytes]:
    """Events with a NUL byte for each query that they wait for."""
    parts = zip(bodies.heads, bodies.queries, bodies.tails, strict=True)
    return [
        b"".join((head, b"" if query == NO_QUERY else b"\0", tail, b"}"))
        for head, query, tail in parts
    ]


def _without_marks(line: bytes) -> bytes:
    """The mark that closes a SYSCALL object becomes its brace, others nothing."""
    line = line.replace(FILTERED, b"")
    head, mark, rest = line.partition(b"\0")
    return head + (b"}" if b'"SYSCALL":' in head and mark else b"") + rest.replace(b"\0", b"")


def ids(found: Sequence[Any]) -> list[str]:
    """The serials of events."""
    return [each["ID"].partition(":")[2] for each in found]


def numbered(number: int, *lines: bytes) -> list[bytes]:
    """Lines with their serial filled in."""
    return [line % number for line in lines]


class Observer:
    """Adds a member to each exec, a variable, and details that do not depend on it."""

    def __init__(self, details: bytes = b"") -> None:
        self.details = details
        self.seen: list[tuple[bytes, bytes]] = []
        self.executions: list[Execution] = []

    def started(self, pid: bytes, exe: bytes) -> Started:
        """Notes who has started what."""
        self.seen.append((pid, exe))
        return Started(b"\x1efacts", b"7", b',"HASH":1', b',"ENV":{}')

    def finished(self, started: Started, executed: LazyExecution) -> Finished:
        """Notes the same of complete events."""
        assert started in (Started(), Started(b"\x1efacts", b"7", b',"HASH":1', b',"ENV":{}'))
        self.executions.append(executed.found())
        return Finished(b',"SCRIPT":"s"', self.details)

    def statistics(self) -> dict[str, int]:
        """Nothing is remembered."""
        return {}


SOME = ContentFilters(
    raw_line=lambda line: b"a" in line[-3:], user_record=lambda body: b"x" in body, active=True
)
"""Filters that take some events of any stream."""


# --- both ways


@UNHURRIED
@given(streams(), OPTIONS, st.booleans())
def test_events_of_one_piece_are_as_those_of_single_lines(
    lines: list[bytes], options: RecordOptions, has_eoe: bool
) -> None:
    """However the stream is cut, the same comes out, and each line is accounted for once."""
    whole, single = [
        Stream(
            has_eoe=has_eoe, options=options, observer=Observer(b"\x1ed"), filters=SOME
        ).coalescer
        for _ in range(2)
    ]
    text = b"".join(lines)
    EventFeeder(whole).feed(text, 0, len(text), 0)
    position = 0
    feed = EventFeeder(single).feed
    for line in lines:
        feed(line, 0, len(line), position)
        position += len(line)
    for each in (whole, single):
        each.finish(position)

    expected, queries = single.take()
    found, found_queries = whole.take()
    assert expected == found
    assert (queries.processes, queries.ids, queries.calls) == (
        found_queries.processes,
        found_queries.ids,
        found_queries.calls,
    )
    assert single.counters == whole.counters
    counted = whole.counters.end_of_event + whole.counters.duplicate + whole.counters.in_events
    assert len(lines) == counted
    assert len(expected.more) == b"".join(expected.tails).count(b"\0")
    waited_for = [query for query in expected.queries if query != NO_QUERY]
    assert sorted([*waited_for, *expected.more, *expected.unused]) == list(
        range(len(queries.processes))
    )
    assert (
        len(expected.heads) == len(expected.tails) == len(expected.queries) == len(expected.sizes)
    )
    assert sum(expected.sizes) == whole.counters.in_events


_ALL = "[translate]\nuniversal = true\nuser-db = true\n"
CONFIGURATIONS = [
    "",
    _ALL,
    _ALL + "drop-raw = true\n",
    _ALL + '[enrich]\nprefix = "e"\nppid-verbose = true\n',
    '[enrich]\nprefix = "p"\n',
    '[transform]\nexecve-argv = ["array", "string"]\nexecve-argv-limit-bytes = 5\n',
]


@UNHURRIED
@given(streams(), st.sampled_from(CONFIGURATIONS))
def test_any_stream_gives_strict_json(lines: list[bytes], toml: str) -> None:
    """With whatever is switched on: valid UTF-8, and no key twice in any object."""
    assert all(next(iter(each)) == "ID" for each in events(lines, toml))


@given(st.lists(st.binary(max_size=60)))
def test_any_bodies_give_strict_json(bodies: list[bytes]) -> None:
    """Bytes that make no sense at all are shown as well as it goes."""
    names = [b"SYSCALL", b"PATH", b"EXECVE", b"USER", b"NEW"]
    lines = [
        b"type=%b msg=audit(1.000:%d):" % (names[number % 5], number // 7)
        + body.replace(b"\n", b"")
        for number, body in enumerate(bodies)
    ]

    decoding.events(lines)


@pytest.mark.parametrize("toml", ["", CONFIGURATIONS[3]], ids=["default", "all"])
@pytest.mark.parametrize("path", corpus_files(), ids=corpus_name)
def test_the_corpus_is_complete(path: Path, toml: str) -> None:
    """All captures give strict JSON, and only where a stream was cut off are events incomplete."""
    found = events(corpus_part(path) if toml else corpus_bytes(path), toml)
    incomplete = [each for each in found if {"INCOMPLETE", "eincomplete"} & set(each)]

    # At the end of that one.
    expected = 2 if corpus_name(path) == "two-nodes.enriched" and not toml else 0
    assert expected == len(incomplete)


# --- completion


def test_an_event_ends_with_its_eoe() -> None:
    """It is given out there, and not before."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0), *numbered(1, CWD))
    assert stream.taken() == []
    stream.feed(EOE % 1)

    assert list(*stream.taken()) == ["ID", "SYSCALL", "CWD"]


def test_without_eoe_records_proctitle_is_the_last() -> None:
    """In a stream that has none, as audit.log."""
    stream = Stream(has_eoe=False)
    stream.feed(SYSCALL % (1, 0), *numbered(1, CWD, TITLE))

    assert list(*stream.taken()) == ["ID", "SYSCALL", "CWD", "PROCTITLE"]


def test_with_eoe_records_proctitle_is_not_the_last() -> None:
    """Then something may follow it."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0), *numbered(1, TITLE))
    assert stream.taken() == []
    stream.feed(*numbered(1, CWD, EOE))

    assert list(*stream.taken()) == ["ID", "SYSCALL", "PROCTITLE", "CWD"]


def test_a_user_space_record_is_complete_at_once() -> None:
    """Also one that stands among the records of another event."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0), USER % 2, EOE % 1)

    assert ids(stream.taken()) == ["2", "1"]


def test_a_login_record_is_part_of_an_event() -> None:
    """Its number is among those of user space, but it comes from the kernel."""
    login = b"type=LOGIN msg=audit(1.000:1): pid=7 uid=0 old-auid=4294967295 auid=1000 res=1"

    assert list(event([login, SYSCALL % (1, 0), EOE % 1]))[:3] == ["ID", "LOGIN", "SYSCALL"]


def test_interleaved_events() -> None:
    """They come out in the order of their ends."""
    lines = [SYSCALL % (1, 0), SYSCALL % (2, 0), CWD % 1, CWD % 2, EOE % 2, EOE % 1]
    found = events(lines)

    assert ids(found) == ["2", "1"]
    assert all("CWD" in each for each in found)


def test_equal_ids_of_two_nodes() -> None:
    """They are two events."""
    lines = [
        b"node=a " + SYSCALL % (1, 0), b"node=b " + SYSCALL % (1, 0), SYSCALL % (1, 0),
        b"node=b " + EOE % 1, EOE % 1, b"node=a " + EOE % 1,
    ]  # fmt: skip

    assert [each.get("NODE") for each in events(lines)] == ["b", None, "a"]


def test_node_stands_behind_the_id() -> None:
    """And its name is encoded."""
    lines = [b'node=a"\xff ' + line for line in (SYSCALL % (1, 0), EOE % 1)]

    assert list(event(lines).items())[:2] == [("ID", "1.000:1"), ("NODE", 'a"%ff')]


@pytest.mark.parametrize(
    "lines",
    [
        [b'type=CWD msg=audit(1.000:1):cwd="/"', b"type=EOE msg=audit(1.000:1):"],
        [b'type=CWD msg=audit(1.000:1): cwd="/" ', b"type=EOE msg=audit(1.000:1): "],
        [b'type=CWD msg=audit(1.000:1):  cwd="/"', b"type=EOE msg=audit(1.000:1):   x"],
    ],
)  # fmt: skip
def test_blanks_behind_the_colon(lines: list[bytes]) -> None:
    """There may be none, one or two, and a last one."""
    assert event(lines) == {"ID": "1.000:1", "CWD": {"cwd": "/"}}


def test_records_in_any_order() -> None:
    """Records belong to an event by their id alone."""
    first = b'type=EXECVE msg=audit(1.000:1): argc=2 a0="x"'
    second = b'type=EXECVE msg=audit(1.000:1):  a1="y"'
    lines = [PATH % 1, second, CWD % 1, first, SYSCALL % (1, 1), EOE % 1]
    found = event(lines)

    assert list(found) == ["ID", "PATH", "EXECVE", "CWD", "SYSCALL"]
    assert found["EXECVE"] == {"argc": 2, "ARGV": ["x", "y"]}


def test_types_by_number_or_by_an_unknown_name() -> None:
    """A number that the table has gets its name; a name that it lacks is kept."""
    lines = [
        b"type=UNKNOWN[1423] msg=audit(1.000:1): domain=1c1874266 blockers=fs.read_file",
        b"type=BRAND_NEW msg=audit(1.000:1): a=1",
        EOE % 1,
    ]
    expected = {
        "ID": "1.000:1",
        "LANDLOCK_ACCESS": [{"domain": "1c1874266", "blockers": "fs.read_file"}],
        "BRAND_NEW": [{"a": "1"}],
    }

    assert expected == event(lines)


def test_a_second_syscall_record_in_an_event() -> None:
    """No key is there twice."""
    found = event([SYSCALL % (1, 0), CWD % 1, SYSCALL % (1, 0), EOE % 1])

    assert list(found) == ["ID", "SYSCALL", "CWD", "REPEATED"]


# --- events that do not end


def test_an_event_is_given_up_when_nothing_came_for_long() -> None:
    """By the arrival clock, counted from its last record."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0))
    stream.clock(101.5)
    stream.feed(CWD % 1)
    stream.clock(103.4)
    assert stream.taken() == []
    stream.clock(103.5)

    assert [each["INCOMPLETE"] for each in stream.taken()] == [["no-eoe"]]
    assert (stream.coalescer.counters.timed_out, stream.coalescer.counters.incomplete) == (1, 1)


def test_an_event_is_given_up_when_the_stream_has_run_on() -> None:
    """A clock that stands still does not keep it for ever."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0))
    stream.position += coalescer.IN_FLIGHT_BYTES
    stream.clock(100.0)

    assert ids(stream.taken()) == ["1"]


def test_an_event_is_given_up_when_too_many_lines_have_come() -> None:
    """The router says what is too long ago: events whose last record stood before that."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0))
    oldest = stream.position
    stream.feed(SYSCALL % (2, 0), EOE % 2, SYSCALL % (3, 0))
    stream.clock(100.0, oldest)

    assert ids(stream.taken()) == ["2", "1"]


def test_less_is_remembered_when_too_many_lines_have_come() -> None:
    """In two steps, as it is by time."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0), EOE % 1)
    remembered = []
    for _ in range(2):
        stream.clock(100.0, stream.position)
        remembered.append(stream.coalescer.statistics()["remembered"])
        stream.position += 1

    assert remembered == [1, 0]


def test_the_end_of_the_stream_completes_all() -> None:
    """In the order of their first records."""
    stream = Stream()
    stream.feed(SYSCALL % (2, 0), SYSCALL % (1, 0), CWD % 2)

    assert ids(stream.finished()) == ["2", "1"]


@pytest.mark.parametrize(
    "line",
    [
        SECCOMP % 1,
        b"type=ANOM_ABEND msg=audit(1.000:1): sig=11",
        b"type=UNKNOWN[1424] msg=audit(1.000:1): domain=1c1874266 status=deallocated denials=2",
        b"type=CONFIG_CHANGE msg=audit(1.000:1): op=set res=1",
    ],
)
def test_records_that_stand_alone_are_not_incomplete(line: bytes) -> None:
    """No EOE record follows them."""
    stream = Stream()
    stream.feed(line)
    stream.clock(103.0)

    assert ["INCOMPLETE" in each for each in stream.taken()] == [False]


def test_no_eoe_is_no_fault_of_a_stream_that_has_none() -> None:
    """There events without a PROCTITLE record are over in time."""
    stream = Stream(has_eoe=False)
    stream.feed(SYSCALL % (1, 0))

    assert ["INCOMPLETE" in each for each in stream.finished()] == [False]


def test_what_comes_after_a_time_out_is_marked_as_late() -> None:
    """L8: It is a second object with the same id; its EOE belongs to that one."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0))
    stream.clock(103.0)
    stream.feed(CWD % 1, EOE % 1)
    expected = [
        ("1.000:1", "SYSCALL", ["no-eoe"]),
        ("1.000:1", "CWD", ["late"]),
    ]

    found = stream.taken()
    assert expected == [(each["ID"], list(each)[1], each["INCOMPLETE"]) for each in found]


def test_a_whole_event_with_the_id_of_one_that_was_given_up_is_late() -> None:
    """Also where it would be taken in one piece."""
    stream = Stream()
    stream.feed(CWD % 1)
    stream.clock(103.0)
    stream.feed(SYSCALL % (1, 0), *numbered(1, CWD, EOE))

    assert [each["INCOMPLETE"] for each in stream.taken()] == [["no-eoe"], ["late"]]


def test_an_eoe_of_an_event_that_was_given_up_is_swallowed() -> None:
    """It is counted, and nothing comes out."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0))
    stream.clock(103.0)
    stream.taken()
    stream.feed(EOE % 1)

    assert stream.finished() == []
    assert stream.coalescer.counters.end_of_event == 1


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([SYSCALL % (1, 1)], ["missing-path"]),
        ([SYSCALL % (1, 1), PATH % 1], None),
        ([SYSCALL % (1, 2), PATH % 1 + b" nametype=DELETE cap_fp=0"], None),
        ([SYSCALL % (1, 2), PATH % 1 + b" nametype=NORMAL cap_fp=0"], ["missing-path"]),
        ([SYSCALL % (1, 0), b'type=EXECVE msg=audit(1.000:1): argc=2 a0="x"'], ["missing-args"]),
        ([SYSCALL % (1, 0), b"type=EXECVE msg=audit(1.000:1):"], ["missing-args"]),
        ([SYSCALL % (1, 0), b'type=EXECVE msg=audit(1.000:1): argc=1 a0="x"'], None),
        ([b"type=URINGOP msg=audit(1.000:1): uring_op=18 items=2 ppid=1", PATH % 1],
         ["missing-path"]),
        ([SYSCALL % (1, 2), b"type=EXECVE msg=audit(1.000:1): argc=1", PATH % 1],
         ["missing-path", "missing-args"]),
    ],
)  # fmt: skip
def test_what_is_missing(lines: list[bytes], expected: list[str] | None, apart: bool) -> None:
    """An event says so itself if `items=` and `argc=` say more, in one piece or not."""
    stream = Stream()
    pieces = [[line] for line in (*lines, EOE % 1)] if apart else [[*lines, EOE % 1]]
    for piece in pieces:
        stream.feed(*piece)
    (found,) = stream.taken()

    assert expected == found.get("INCOMPLETE")


def test_an_event_that_is_too_large_is_cut() -> None:
    """Later records of such an event are late."""
    stream = Stream(limits=Limits(max_event_bytes=300))
    stream.feed(SYSCALL % (1, 0), *[CWD % 1] * 60, EOE % 1)
    found = stream.finished()

    assert found[0]["INCOMPLETE"] == ["cut"]
    assert {("late", "cut"), ("late",)} == {tuple(each["INCOMPLETE"]) for each in found[1:]}
    assert stream.coalescer.counters.in_events == 61
    assert len(found) - 1 == stream.coalescer.counters.cut


def test_the_prefix_is_put_before_what_we_add() -> None:
    """Also before the marks of an event."""
    found = event([SYSCALL % (1, 1), EOE % 1], '[enrich]\nprefix = "x_"')

    assert found["x_incomplete"] == ["missing-path"]


# --- duplicates


def test_records_of_an_event_that_was_completed_are_duplicates() -> None:
    """They are dropped and counted, in one piece or line by line."""
    stream = Stream()
    lines = [SYSCALL % (1, 0), *numbered(1, CWD, EOE)]
    stream.feed(*lines)
    stream.feed(*lines)
    stream.feed(CWD % 1)

    assert ids(stream.finished()) == ["1"]
    assert (stream.coalescer.counters.duplicate, stream.coalescer.counters.end_of_event) == (3, 2)


def test_user_space_records_are_duplicates_if_they_are_the_same() -> None:
    """L21: Others may have the same id: auditd draws its serials at random."""
    stream = Stream()
    other = b"type=DAEMON_END msg=audit(1.000:1): op=terminate"
    stream.feed(USER % 1, USER % 1, other, (USER % 1).replace(b"op=x", b"op=y"))

    assert ids(stream.taken()) == ["1", "1", "1"]
    assert stream.coalescer.counters.duplicate == 1


def test_completed_events_are_forgotten_in_time() -> None:
    """After the window the same id is another event."""
    stream = Stream()
    lines = [SYSCALL % (1, 0), *numbered(1, CWD, EOE)]
    stream.feed(*lines)
    stream.clock(219.0)
    stream.feed(*lines)
    stream.clock(221.0)
    stream.feed(*lines)

    assert ids(stream.taken()) == ["1", "1"]


def test_memory_of_events_is_bounded_by_the_stream() -> None:
    """However slowly the clock goes, events are forgotten when enough has come in."""
    stream = Stream()
    for number in range(100):
        stream.feed(SYSCALL % (number, 0), *numbered(number, EOE))
        stream.position += known_events.REMEMBERED_BYTES // 10
        stream.clock(100.0)

    assert stream.coalescer.statistics()["remembered"] <= 24


# --- order, queries, counters


def test_keys_follow_the_stream() -> None:
    """An event stands where the line that completed it ends; what the clock does comes before."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0), EOE % 1)
    end = stream.position
    stream.feed(CWD % 2, CWD % 3)
    stream.clock(103.0)
    bodies, _ = stream.coalescer.take()

    key = clock_key(stream.position)
    assert [line_key(end), key, key] == list(bodies.keys)
    first, lower, second, higher = bodies.ranks
    assert (first, second) == (1, 2)
    assert lower < higher


def queries_of(*lines: bytes) -> list[tuple[Call, bytes]]:
    """Questions to the tracker, in the order of their numbers."""
    stream = Stream()
    for line in lines:
        stream.feed(line)
    _, queries = stream.coalescer.take()
    return list(zip(map(Call, queries.calls), queries.processes, strict=True))


def test_the_tracker_hears_of_a_syscall_at_once() -> None:
    """Before the event is complete, and once."""
    expected = [(Call.PLAIN, b'7\t1\t"ls"\t"/bin/ls"\t\tnull')]

    assert expected == queries_of(SYSCALL % (1, 0))
    assert expected == queries_of(SYSCALL % (1, 0), CWD % 1, EOE % 1)


def test_the_tracker_hears_of_the_node() -> None:
    """Its name is the last word."""
    expected = [(Call.PLAIN, b'7\t1\t"ls"\t"/bin/ls"\t\tnull\t"a"')]

    assert expected == queries_of(b"node=a " + SYSCALL % (1, 0))


UNNAMED = (SYSCALL % (1, 0)).replace(b"c000003e", b"8")
EXECVE = b'type=EXECVE msg=audit(1.000:1): argc=1 a0="x"'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([UNNAMED], []),
        ([UNNAMED, EXECVE], [Call.EXEC]),
        ([EXECVE, UNNAMED], [Call.EXEC]),
        ([UNNAMED, CWD % 1, EOE % 1], [Call.PLAIN]),
        ([UNNAMED, EXECVE, EOE % 1], [Call.WHOLE_EXEC]),
        ([UNNAMED.replace(b"success=yes", b"success=no"), EXECVE], [Call.PLAIN]),
    ],
)
def test_an_exec_is_known_by_its_arguments(lines: list[bytes], expected: list[Call]) -> None:
    """If calls have no names, an EXECVE record marks an exec, in any position."""
    assert expected == [call for call, _ in queries_of(*lines)]


def test_processes_that_are_mentioned_are_looked_up() -> None:
    """When the event is complete."""
    line = b'type=OBJ_PID msg=audit(1.000:1): opid=9 ocomm="x"'
    expected = [(Call.PLAIN, b'7\t1\t"ls"\t"/bin/ls"\t\tnull'), (Call.LOOK_UP, b"9\tOPID")]

    assert expected == queries_of(SYSCALL % (1, 0), line, EOE % 1)


def test_what_is_taken_is_gone() -> None:
    """Numbers of queries go on."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0), *numbered(1, EOE))
    stream.coalescer.take()
    stream.feed(SYSCALL % (2, 0), *numbered(2, EOE))
    bodies, queries = stream.coalescer.take()

    assert (queries.base, list(bodies.queries), len(bodies.heads)) == (1, [1], 1)


def test_lines_in_flight_are_counted() -> None:
    """All records of events that are not complete."""
    stream = Stream()
    stream.feed(SYSCALL % (1, 0), CWD % 1, CWD % 2, USER % 3)

    assert stream.coalescer.in_flight_lines == 3
    assert stream.coalescer.statistics()["in_flight"] == 2


# --- hosts


ADDRESS = b"type=SOCKADDR msg=audit(1.000:1): saddr=%b14E97F000001"


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("arch", "family"), [(b"c000003e", b"0200"), (b"80000015", b"0002"), (b"80000016", b"0002")]
)
def test_addresses_are_in_the_byte_order_of_their_host(
    arch: bytes, family: bytes, apart: bool
) -> None:
    """The architecture of the event's SYSCALL record says which."""
    lines = [(SYSCALL % (1, 0)).replace(b"c000003e", arch), ADDRESS % family, EOE % 1]
    if apart:
        lines.insert(1, CWD % 2)
    found = events(lines, "[translate]\nuniversal = true")

    expected = {"saddr_fam": "inet", "addr": "127.0.0.1", "port": 5353}
    assert expected == found[0]["SOCKADDR"][0]["SADDR"]


@pytest.mark.parametrize(
    ("node", "expected"), [(b"", 'u"0%ff'), (b"node=here ", 'u"0%ff'), (b"node=there ", None)]
)
def test_only_local_users_have_names(node: bytes, expected: str | None) -> None:
    """Users of another host are unknown here."""
    stream = Stream(options=RecordOptions(user_name=user_name, group_name=group_name))
    stream.feed(node + SYSCALL % (1, 0), node + EOE % 1)
    (found,) = stream.taken()

    assert expected == found["SYSCALL"].get("UID")


def test_names_are_looked_up_anew_when_told() -> None:
    """Text with a name is dropped from caches when the name may have changed."""
    names = [b"before"]
    options = RecordOptions(user_name=lambda _: names[0], group_name=group_name)
    stream = Stream(options=options)
    for serial in (1, 2):  # what comes for the second time is remembered
        stream.feed(SYSCALL % (serial, 0), *numbered(serial, EOE))
    names[0] = b"after"
    stream.feed(SYSCALL % (3, 0), *numbered(3, EOE))
    stream.coalescer.forget()
    stream.feed(SYSCALL % (4, 0), *numbered(4, EOE))

    expected = ["before", "before", "before", "after"]
    assert expected == [each["SYSCALL"]["UID"] for each in stream.taken()]


# --- execs


EXEC = [
    (SYSCALL % (1, 0)).replace(b"syscall=2", b"syscall=59"),
    b'type=EXECVE msg=audit(1.000:1): argc=1 a0="x"',
    *numbered(1, CWD, PATH, EOE),
]
FOREIGN = [b"node=there " + line for line in EXEC]


def fed(stream: Stream, lines: Sequence[bytes], *, apart: bool) -> Stream:
    """A stream with lines, in one piece or one by one."""
    for piece in [[line] for line in lines] if apart else [lines]:
        stream.feed(*piece)
    return stream


@pytest.mark.parametrize("apart", [False, True])
def test_members_of_an_exec(apart: bool) -> None:
    """Facts of the system and of the records are in SYSCALL, the environment is in EXECVE."""
    (found,) = fed(Stream(observer=Observer()), EXEC, apart=apart).taken()

    assert (found["SYSCALL"]["HASH"], found["SYSCALL"]["SCRIPT"]) == (1, "s")
    assert found["EXECVE"] == {"argc": 1, "ARGV": ["x"], "ENV": {}}


@pytest.mark.parametrize("apart", [False, True])
def test_the_same_exec_again_with_another_environment(apart: bool) -> None:
    """Cached auxiliary records have nothing of the process."""
    stream = Stream(observer=Observer())
    plain = [line.replace(b":1)", b":2)").replace(b"=yes", b"=no") for line in EXEC]
    fed(stream, [*EXEC, *plain], apart=apart)

    assert ["ENV" in each["EXECVE"] for each in stream.taken()] == [True, False]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("lines", "expected"), [(EXEC, [(b"7", b'"/bin/ls"')]), (FOREIGN, [])], ids=["here", "there"]
)
def test_only_local_execs_are_looked_at(
    lines: list[bytes], expected: list[tuple[bytes, bytes]], apart: bool
) -> None:
    """The system knows nothing of another host's processes; records speak for themselves."""
    observer = Observer()
    fed(Stream(observer=observer), lines, apart=apart)

    assert expected == observer.seen
    assert [each.arguments for each in observer.executions] == [(b"x",)]


def test_an_exec_is_looked_at_at_once() -> None:
    """Before the process has gone on: with the first of its records."""
    observer = Observer()
    stream = Stream(observer=observer)
    stream.feed(EXEC[0])

    assert observer.seen == [(b"7", b'"/bin/ls"')]
    assert observer.executions == []
    _, queries = stream.coalescer.take()
    assert queries.processes == [b'7\t1\t"ls"\t"/bin/ls"\t\tnull\x1efacts']


@pytest.mark.parametrize("apart", [False, True])
def test_details_have_a_query_of_their_own(apart: bool) -> None:
    """It annotates the event; the answer to the first one is not awaited."""
    bodies, queries = fed(Stream(observer=Observer(b"\x1ed")), EXEC, apart=apart).coalescer.take()

    assert list(queries.calls) == [Call.EXEC, Call.DETAILS]
    assert queries.processes[1] == b'7\t1\t"ls"\t"/bin/ls"\t\tnull\x1ed'
    assert (list(bodies.queries), list(bodies.unused)) == ([1], [0])
    assert list(queries.keys) == sorted(queries.keys)


@pytest.mark.parametrize("apart", [False, True])
def test_no_details(apart: bool) -> None:
    """Then the first query annotates the event, and says that no other comes."""
    bodies, queries = fed(Stream(observer=Observer()), EXEC, apart=apart).coalescer.take()

    assert list(queries.calls) == [Call.WHOLE_EXEC]
    assert (list(bodies.queries), list(bodies.unused)) == ([0], [])


def test_details_of_execs_that_are_given_up_together() -> None:
    """Their queries come in the order of their events."""
    stream = Stream(observer=Observer(b"\x1ed"))
    others = [line.replace(b":1)", b":2)") for line in EXEC]
    stream.feed(others[0], EXEC[0], *EXEC[1:3], *others[1:3])
    stream.query_calls()
    stream.clock(103.0)
    _, queries = stream.coalescer.take()

    by_rank = dict(zip(queries.ranks[::2], queries.ranks[1::2], strict=True))
    order = sorted(range(len(queries.ids)), key=lambda index: by_rank.get(index, 0))
    assert [queries.ids[index] for index in order] == [b"1.000:2", b"1.000:1"]


# --- filters


def filtered(lines: Sequence[bytes], filters: ContentFilters, *, apart: bool) -> list[bool]:
    """Returns which events of a stream are filtered by their content."""
    bodies, _ = fed(Stream(filters=filters), lines, apart=apart).coalescer.take()
    return [FILTERED in line for line in lines_of(bodies)]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("word", [b"type=SYSCALL", b"type=CWD", b"type=PATH", b"type=EOE"])
def test_any_line_says_filter(word: bytes, apart: bool) -> None:
    """Filters on lines see each line of an event, the end too."""
    filters = ContentFilters(raw_line=lambda line: line.startswith(word), active=True)
    lines = [SYSCALL % (1, 0), *numbered(1, CWD, PATH, EOE), USER % 2]

    assert filtered(lines, filters, apart=apart) == [True, False]


def test_lines_are_seen_without_their_end() -> None:
    """As they came in, node and header and all."""
    seen = []

    def note(line: bytes) -> bool:
        seen.append(line)
        return False

    lines = [b"node=a " + line for line in (SYSCALL % (1, 0), CWD % 1, EOE % 1, USER % 2)]
    filtered(lines, ContentFilters(raw_line=note, active=True), apart=False)

    assert lines == seen


@pytest.mark.parametrize("apart", [False, True])
def test_user_records_say_filter(apart: bool) -> None:
    """A filter on what user space sends sees nothing of the kernel's."""
    filters = ContentFilters(user_record=lambda body: b"=" in body, active=True)
    lines = [SYSCALL % (1, 0), *numbered(1, CWD, EOE), USER % 2]

    assert filtered(lines, filters, apart=apart) == [False, True]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("active", "expected"), [(True, [3, 1]), (False, [])])
def test_sizes(active: bool, expected: list[int], apart: bool) -> None:
    """With filters, each event has its number of lines, without the EOE record."""
    lines = [SYSCALL % (1, 0), *numbered(1, CWD, PATH, EOE), USER % 2]
    stream = fed(Stream(filters=ContentFilters(active=active)), lines, apart=apart)
    bodies, _ = stream.coalescer.take()

    assert expected == list(bodies.sizes)

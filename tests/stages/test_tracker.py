"""The tracker: queries of all workers in, annotations out, in the order of the stream."""

from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.events.reassembly.bodies import FILTERED
from laurel_mp.events.rendering.syscall import Call
from laurel_mp.processes import process_table as table_module
from laurel_mp.processes.context import ContextOptions
from laurel_mp.processes.filters import ProcessFilters, any_of, is_empty
from laurel_mp.processes.labels import LabelRules, PatternLabels
from laurel_mp.processes.patterns import PatternSet
from laurel_mp.processes.process_table import ENDED_SECONDS, Process
from laurel_mp.stages import tracker as tracker_module
from laurel_mp.stages.packing import check
from laurel_mp.stages.stage_messages import Annotations, DecodedQueries
from laurel_mp.stages.tracker import MAX_EXECS, Tracker, TrackerOptions, TrackerState

NO_PARENT_INFO = ContextOptions(parent_info=False)


@dataclass(frozen=True)
class Query:
    """One question."""

    call: Call
    pid: int
    ppid: int = 1
    exe: str = "/bin/sh"
    node: str = ""
    key: str = "null"
    uid: int = 0
    details: str = ""

    def process(self) -> bytes:
        """As a worker sends it."""
        names = [str(self.pid), str(self.ppid), '"c"', f'"{self.exe}"', str(self.uid), self.key]
        if self.call is Call.LOOK_UP:
            names = [str(self.pid), "OPID"]
        return "\t".join([*names, *filter(None, [self.node])]).encode() + self.details.encode()


@dataclass
class Stream:
    """A tracker, fed query by query; event ids are `e1`, `e2` and so on."""

    tracker: Tracker = field(default_factory=lambda: Tracker(TrackerOptions(NO_PARENT_INFO)))
    count: int = 0

    def raw(self, query: Query) -> bytes:
        """The answer to the next query, as it is sent."""
        self.count += 1
        ((answer,),) = self.tracker.apply([queries_of([(self.count, query)])])
        return answer

    def ask(self, call: Call, pid: int, ppid: int = 1, exe: str = "/bin/sh", node: str = "",
            key: str = "null", details: str = "") -> dict[str, Any]:  # fmt: skip
        """The answer to the next query."""
        answer = self.raw(Query(call, pid, ppid, exe, node, key, details=details))
        text = b'{"pid":0' + answer + (b"}" if call is Call.LOOK_UP else b"")
        found: dict[str, Any] = orjson.loads(text)
        return found

    def clock(self, now: float) -> None:
        """Lets the arrival clock go on."""
        self.count += 1
        self.tracker.apply([queries_of([])._replace(clocks=[(self.count, now)])])


def queries_of(queries: list[tuple[int, Query]]) -> DecodedQueries:
    """Queries with their positions, as one worker's message."""
    return DecodedQueries(
        0,
        array("Q", [position for position, _ in queries]),
        bytes(query.call for _, query in queries),
        [query.process() for _, query in queries],
        [b"e%d" % position for position, _ in queries],
        [],
        array("Q"),
    )


@pytest.fixture
def stream() -> Stream:
    """A tracker that knows nothing yet."""
    return Stream()


def test_exec_is_known_from_its_own_event_on(stream: Stream) -> None:
    """The event of an exec already belongs to the new instance."""
    stream.ask(Call.PLAIN, 10)

    assert stream.ask(Call.EXEC, 10, exe="/bin/ls")["PID"] == {"EVENT_ID": "e2"}
    assert stream.ask(Call.PLAIN, 10, exe="/bin/ls")["PID"] == {"EVENT_ID": "e2"}


def test_exec_is_spawned_by_the_previous_self(stream: Stream) -> None:
    """After an exec, SPAWNED_BY is the same process with its old program."""
    stream.ask(Call.PLAIN, 10)
    answer = stream.ask(Call.EXEC, 10, exe="/bin/ls")

    assert answer["SPAWNED_BY"]["pid"] == 10
    assert answer["SPAWNED_BY"]["exe"] == "/bin/sh"


def test_failed_exec_changes_nothing(stream: Stream) -> None:
    """An exec that failed comes as a plain query: each search along PATH makes some."""
    stream.ask(Call.EXEC, 10)

    assert stream.ask(Call.PLAIN, 10)["PID"] == {"EVENT_ID": "e1"}


def test_exec_of_the_same_program_is_no_old_answer(stream: Stream) -> None:
    """Equal queries before and after an exec get different answers."""
    stream.ask(Call.EXEC, 10)
    stream.ask(Call.PLAIN, 10)
    stream.ask(Call.EXEC, 10)

    assert stream.ask(Call.PLAIN, 10)["PID"] == {"EVENT_ID": "e3"}


def test_exec_of_the_parent_is_seen_by_the_child(stream: Stream) -> None:
    """PPID names what the parent is running now."""
    stream.ask(Call.EXEC, 5)
    stream.ask(Call.PLAIN, 10, 5)
    stream.ask(Call.EXEC, 5)

    assert stream.ask(Call.PLAIN, 10, 5)["PPID"] == {"EVENT_ID": "e3"}


def test_exit_belongs_to_the_process(stream: Stream) -> None:
    """The event of exit_group itself is still one of the process that ends."""
    stream.ask(Call.EXEC, 10)

    assert stream.ask(Call.EXIT_GROUP, 10)["PID"] == {"EVENT_ID": "e1"}


def test_pid_after_the_exit_is_another_process(stream: Stream) -> None:
    """A pid that is used again by the same program of the same parent is a new process."""
    stream.ask(Call.EXEC, 10)
    stream.ask(Call.PLAIN, 10)
    stream.ask(Call.EXIT_GROUP, 10)

    assert stream.ask(Call.PLAIN, 10)["PID"] == {"EVENT_ID": "e4"}


def test_parent_that_ended_is_still_named(stream: Stream) -> None:
    """A child's events keep naming it, until another process has its pid or time has passed."""
    stream.ask(Call.EXEC, 5)
    stream.ask(Call.EXIT_GROUP, 5)

    assert stream.ask(Call.PLAIN, 10, 5)["PPID"] == {"EVENT_ID": "e1"}


def test_double_fork(stream: Stream) -> None:
    """A daemon keeps its identity when its parent ends and init takes it over."""
    stream.ask(Call.EXEC, 4, 2)
    stream.ask(Call.PLAIN, 5, 4)
    stream.ask(Call.PLAIN, 10, 5)
    stream.ask(Call.EXIT_GROUP, 5, 4)

    assert stream.ask(Call.PLAIN, 10, 1)["PID"] == {"EVENT_ID": "e3"}


def test_look_up(stream: Stream) -> None:
    """A record that mentions a process gets what is known about it."""
    stream.ask(Call.EXEC, 10, 5)

    expected = {"EVENT_ID": "e1", "comm": "c", "exe": "/bin/sh", "ppid": 5}
    assert stream.ask(Call.LOOK_UP, 10)["OPID"] == expected


def test_look_up_of_an_unknown_process(stream: Stream) -> None:
    """An unknown process is no reason to start an instance."""
    assert "OPID" not in stream.ask(Call.LOOK_UP, 10)
    assert stream.tracker.tables.statistics()["processes"] == 0


@pytest.mark.parametrize("call", [Call.PLAIN, Call.LOOK_UP])
def test_nodes_are_kept_apart(stream: Stream, call: Call) -> None:
    """A pid of one host is not that of another."""
    stream.ask(Call.EXEC, 10, node='"a"')

    assert "e1" not in str(stream.ask(call, 10, node='"b"'))


def test_answers_are_bounded(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remembered answers do not grow without end."""
    monkeypatch.setattr(tracker_module, "MAX_ANSWERS", 4)
    for pid in range(2, 50):
        stream.ask(Call.PLAIN, pid)

    assert len(stream.tracker._answers) <= 4


def test_queries_are_counted(stream: Stream) -> None:
    """Each query is counted, with or without a remembered answer."""
    for _ in range(3):
        stream.ask(Call.PLAIN, 10)

    assert stream.tracker.queries == 3


def test_batch_without_queries(stream: Stream) -> None:
    """A worker that asks nothing gets no answers, and those of others stay theirs."""
    queries = queries_of([(1, Query(Call.EXEC, 10))])

    empty, (answer,), other = stream.tracker.apply([queries_of([]), queries, queries_of([])])

    assert (empty, other) == ([], [])
    assert b'"EVENT_ID":"e1"' in answer


def test_parent_that_ended_is_forgotten_in_time(stream: Stream) -> None:
    """The arrival clock says when; positions in the stream say nothing about time."""
    stream.clock(1000.0)
    stream.ask(Call.EXEC, 5)
    stream.ask(Call.EXIT_GROUP, 5)
    stream.clock(1000.0 + ENDED_SECONDS)

    assert stream.ask(Call.PLAIN, 10, 5)["PPID"] == {"EVENT_ID": "e2"}
    stream.clock(1001.0 + ENDED_SECONDS)
    assert "PPID" not in stream.ask(Call.PLAIN, 10, 5)


def test_clock_stands_between_queries() -> None:
    """A batch may hold queries in front of a clock mark and behind it."""
    end, child = Query(Call.EXIT_GROUP, 5), Query(Call.PLAIN, 10, 5)
    queries = queries_of([(1, end), (3, child), (5, child)])
    clocks = [(0, 1000.0), (4, 1001.0 + ENDED_SECONDS)]
    (answers,) = Tracker(TrackerOptions()).apply([queries._replace(clocks=clocks)])

    assert [b"PPID" in answer for answer in answers] == [False, True, False]


def test_queries_with_a_rank() -> None:
    """Ranks order queries with the same key."""
    queries = queries_of([(4, Query(Call.EXEC, 10, exe="/b")), (4, Query(Call.EXEC, 10, exe="/a"))])
    ranked = queries._replace(ranks=array("Q", [0, 20, 1, 10]))
    ((later, first),) = Tracker(TrackerOptions()).apply([ranked])

    assert b"SPAWNED_BY" in later
    assert b"SPAWNED_BY" not in first


# --- what is known of an exec


def test_facts_of_an_exec() -> None:
    """Container and services are those that a worker has read."""
    stream = Stream()
    details = '\x1e100.000\x1e"abc"\x1e"a.service"\x1f"b.service"\x1e'
    answer = stream.ask(Call.EXEC, 10, details=details)

    expected = {"container": {"id": "abc"}, "systemd_service": ["a.service", "b.service"]}
    assert expected.items() <= answer["PID"].items()


def test_details_of_an_exec() -> None:
    """Labels and command line come when all records are there, and hold from then on."""
    stream = Stream(Tracker(TrackerOptions(ContextOptions(argv=True))))
    stream.ask(Call.EXEC, 10)
    stream.count -= 1  # the same event
    answer = stream.ask(Call.DETAILS, 10, details='\x1e"a"\x1f"b"\x1e"b"\x1e["x","y"]')

    assert answer["LABELS"] == ["a"]
    assert answer["PID"] == {"EVENT_ID": "e1", "ARGV": ["x", "y"]}
    assert stream.ask(Call.PLAIN, 10)["LABELS"] == ["a"]


@pytest.mark.parametrize("later", [Call.EXEC, Call.EXIT_GROUP])
def test_details_that_come_late(stream: Stream, later: Call) -> None:
    """A process may go on before its exec is complete; what it is now stays."""
    stream.ask(Call.EXEC, 10, exe="/bin/a")
    stream.ask(later, 10, exe="/bin/b" if later is Call.EXEC else "/bin/a")
    query = Query(Call.DETAILS, 10, exe="/bin/a", details='\x1e"x"\x1e\x1e')
    known = stream.tracker.tables.of(b"").known(b"10")
    queries = queries_of([(3, query)])._replace(ids=[b"e1"])
    ((answer,),) = stream.tracker.apply([queries])

    assert orjson.loads(b'{"a":0' + answer)["PID"] == {"EVENT_ID": "e1"}
    assert orjson.loads(b'{"a":0' + answer)["LABELS"] == ["x"]
    after = stream.tracker.tables.of(b"").known(b"10")
    assert known is not None
    assert after is not None
    assert (known.id, known.exe) == (after.id, after.exe)


def late_details(between: list[Call]) -> bool:
    """Returns True if an exec is remembered until its details, with other execs in between."""
    stream = labelling(exe=PatternLabels({"^/bin/a": "of-a"}, {}))
    stream.ask(Call.EXEC, 10, exe="/bin/a")
    for number, call in enumerate(between):
        stream.ask(call, 10 if number == 0 else 100 + number)
    stream.tracker.restore(stream.tracker.snapshot())
    query = Query(Call.DETAILS, 10, exe="/bin/a", details='\x1e"x"\x1e\x1e')
    queries = queries_of([(stream.count + 1, query)])._replace(ids=[b"e1"])
    ((answer,),) = stream.tracker.apply([queries])
    return b"of-a" in answer


def test_how_long_an_exec_is_remembered_for_its_details() -> None:
    """For so many execs, whether these have details or not; and over a snapshot."""
    most = MAX_EXECS - 1
    assert late_details([Call.WHOLE_EXEC] * most)
    assert late_details([Call.EXEC, *[Call.WHOLE_EXEC] * (most - 1)])
    assert not late_details([Call.WHOLE_EXEC] * (most + 1))
    assert not late_details([*[Call.WHOLE_EXEC] * most, Call.EXEC])


def test_only_execs_that_may_have_details_are_remembered() -> None:
    """Each of them is in every snapshot."""
    stream = Stream()
    for pid in range(10, 20):
        stream.ask(Call.WHOLE_EXEC, pid)
    assert check(stream.tracker.snapshot(), TrackerState).execs == []

    for pid in range(10, 20):
        stream.ask(Call.EXEC, pid)
    state = check(stream.tracker.snapshot(), TrackerState)
    assert [number for *_, number in state.execs] == list(range(11, 21))


def test_an_exec_told_again_and_again_keeps_nothing_else() -> None:
    """Repeating an event does not keep its process from being forgotten."""
    stream = Stream()
    for _ in range(3):
        stream.count = 0
        for pid in range(10, 10 + MAX_EXECS // 2):
            stream.ask(Call.EXEC, pid)
    stream.count = 10**6
    for pid in range(MAX_EXECS):
        stream.ask(Call.EXEC, pid)
        stream.count, count = 0, stream.count
        stream.ask(Call.EXEC, 10)
        stream.count = count

    assert len(check(stream.tracker.snapshot(), TrackerState).execs) <= MAX_EXECS


# --- labels


def labelling(**rules: Any) -> Stream:
    """A tracker with rules for labels."""
    return Stream(Tracker(TrackerOptions(NO_PARENT_INFO, LabelRules(**rules))))


def test_label_by_key() -> None:
    """A configured rule key is a label of the process, from that event on."""
    stream = labelling(keys=frozenset((b"k",)))
    stream.ask(Call.PLAIN, 10)

    assert stream.ask(Call.PLAIN, 10, key='"j%01k"')["LABELS"] == ["k"]
    assert stream.ask(Call.PLAIN, 10)["LABELS"] == ["k"]


def test_label_by_key_invalidates_cached_answers() -> None:
    """An answer that was given before the label came is not given again."""
    stream = labelling(keys=frozenset((b"k",)))
    before = stream.ask(Call.PLAIN, 10)
    again = stream.ask(Call.PLAIN, 10)
    stream.ask(Call.PLAIN, 10, key='"k"')

    assert before == again
    assert stream.ask(Call.PLAIN, 10) == before | {"LABELS": ["k"]}


def test_details_invalidate_cached_answers(stream: Stream) -> None:
    """Also labels by command line come after other events of the process may have come."""
    stream.ask(Call.EXEC, 10)
    stream.ask(Call.PLAIN, 10)
    stream.count = 0  # the exec's event
    stream.ask(Call.DETAILS, 10, details='\x1e"a"\x1e\x1e')

    assert stream.ask(Call.PLAIN, 10)["LABELS"] == ["a"]


def test_label_by_executable() -> None:
    """It is put on at the exec; another expression takes it away at a later one."""
    exe = PatternLabels({"^/bin/a": "x"}, {"^/bin/b": "x"})
    stream = labelling(exe=exe, propagated=frozenset((b"x",)))

    assert stream.ask(Call.EXEC, 10, exe="/bin/a")["LABELS"] == ["x"]
    assert stream.ask(Call.EXEC, 10, exe="/bin/c")["LABELS"] == ["x"]
    assert "LABELS" not in stream.ask(Call.EXEC, 10, exe="/bin/b")


def test_label_of_a_program_whose_exec_was_not_seen() -> None:
    """Processes that ran before the start are labelled at their first event."""
    stream = labelling(exe=PatternLabels({"^/bin/sh$": "x"}, {}))

    assert stream.ask(Call.PLAIN, 10)["LABELS"] == ["x"]


def test_labels_of_init_stay_with_it() -> None:
    """Children of init do not inherit its labels."""
    stream = labelling(exe=PatternLabels({"init": "x"}, {}), propagated=frozenset((b"x",)))

    assert stream.ask(Call.EXEC, 1, 0, "/sbin/init")["LABELS"] == ["x"]
    assert "LABELS" not in stream.ask(Call.EXEC, 10, 1)


# --- filters


def filtering(**rules: Any) -> Stream:
    """A tracker with filters: names, of users and of others, and expressions."""
    for name, rule in rules.items():
        if isinstance(rule, frozenset):
            rules[name] = rule.__contains__ if name == "users" else any_of(rule)
        elif isinstance(rule, PatternSet):
            rules[name] = lambda text, matches=rule.matches: bool(matches(text))
    return Stream(Tracker(TrackerOptions(NO_PARENT_INFO, filters=ProcessFilters(**rules))))


def verdicts(stream: Stream, *queries: Query) -> list[bool]:
    """Returns True for each query that is filtered."""
    return [FILTERED in stream.raw(query) for query in queries]


KEYED = Query(Call.PLAIN, 10, key='"k"')


def test_first_event_of_a_process_is_kept() -> None:
    """The verdict on it is another one than that in the answers that are cached with it."""
    found = verdicts(filtering(keys=frozenset((b"k",))), KEYED, KEYED, KEYED)

    assert found == [False, True, True]


def test_first_event_of_a_process_is_not_kept() -> None:
    """Unless that is switched off."""
    stream = filtering(keys=frozenset((b"k",)), keep_first=False)

    assert verdicts(stream, KEYED, KEYED) == [True, True]


def test_first_event_by_its_details() -> None:
    """An exec that a label filters is still the first event when its details come."""
    stream = filtering(labels=frozenset((b"x",)))
    stream.raw(Query(Call.EXEC, 10))
    stream.count -= 1
    details = Query(Call.DETAILS, 10, details='\x1e"x"\x1e\x1e')

    assert verdicts(stream, details, Query(Call.PLAIN, 10)) == [False, True]


@pytest.mark.parametrize(
    ("rules", "query"),
    [
        ({"users": frozenset((b"7",))}, Query(Call.PLAIN, 10, uid=7)),
        ({"programs": PatternSet(["^/bin/sh$"])}, Query(Call.PLAIN, 10)),
        (
            {"services": frozenset((b"s",))},
            Query(Call.EXEC, 10, details='\x1e1.000\x1e\x1e"s"\x1e'),
        ),
    ],
)
def test_what_is_named_is_left_out_from_the_start(rules: dict[str, Any], query: Query) -> None:
    """Users, programs and services are filtered with their first event."""
    assert verdicts(filtering(**rules), query, query) == [True, True]


def test_equal_queries_of_other_keys_and_users_have_their_own_verdict() -> None:
    """A cached answer is for one key and one user."""
    stream = filtering(keys=frozenset((b"k",)), users=frozenset((b"7",)))
    queries = [Query(Call.PLAIN, 10), KEYED, Query(Call.PLAIN, 10, uid=7), Query(Call.PLAIN, 10)]

    assert verdicts(stream, *queries) == [False, True, True, False]
    assert verdicts(stream, *queries) == [False, True, True, False]


# --- the system


def test_system_is_asked_about_this_host_only() -> None:
    """Of an unknown process of another node there is nothing to be known here."""
    asked: list[bytes] = []

    def find(pid: bytes) -> Process | None:
        asked.append(pid)
        return None

    stream = Stream(Tracker(TrackerOptions(local_node=b'"here"', find=find)))
    stream.ask(Call.LOOK_UP, 10, node='"there"')
    stream.ask(Call.LOOK_UP, 11, node='"here"')
    stream.ask(Call.LOOK_UP, 12)

    assert asked == [b"11", b"12"]


def test_process_of_the_system() -> None:
    """A process that the stream has not shown is known from the system, by its start time."""

    def find(pid: bytes) -> Process:
        return Process(b"100.000", pid, b"0", b'"p"', b'"/bin/p"', by_start_time=True)

    stream = Stream(Tracker(TrackerOptions(NO_PARENT_INFO, find=find)))
    answer = stream.ask(Call.EXEC, 10, 5)

    assert answer["PPID"] == {"START_TIME": "100.000"}
    assert answer["SPAWNED_BY"]["START_TIME"] == "100.000"


def test_seed() -> None:
    """Processes that run at the start are labelled and known."""
    stream = labelling(exe=PatternLabels({"^/bin/p$": "x"}, {}), propagated=frozenset((b"x",)))
    stream.tracker.seed([Process(b"1.000", b"5", b"0", b'"p"', b'"/bin/p"', by_start_time=True)])

    assert stream.ask(Call.EXEC, 10, 5)["LABELS"] == ["x"]


def test_answers_of_a_dropped_table_are_dropped(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node whose table was dropped begins with an empty one."""
    monkeypatch.setattr(table_module, "MAX_NODES", 1)
    stream.ask(Call.PLAIN, 10, node='"a"')
    stream.ask(Call.PLAIN, 10, node='"b"')

    assert stream.ask(Call.PLAIN, 10, node='"a"')["PID"] == {"EVENT_ID": "e3"}


def test_two_queries_of_one_id() -> None:
    """A late part of an event is not the first event of its process."""
    filters = ProcessFilters(keys=is_empty)
    queries = [(1, Query(Call.PLAIN, 10)), (2, Query(Call.PLAIN, 10))]
    for clears in (False, True):
        tracker = Tracker(TrackerOptions(NO_PARENT_INFO, filters=filters))
        verdicts = []
        for query in queries:
            if clears:
                tracker._answers.clear()
            ((answer,),) = tracker.apply([queries_of([query])._replace(ids=[b"e1"])])
            verdicts.append(FILTERED in answer)
        assert verdicts == [False, True]


class TestReconcile:
    """After a time that the stream does not show."""

    def test_gone(self, stream: Stream) -> None:
        """A process that is not there any more has ended; its children still know it."""
        stream.tracker.seed([known(10)])
        stream.tracker.reconcile([])

        assert stream.tracker.tables.of(b"").current == {}
        assert stream.ask(Call.PLAIN, 11, 10)["SPAWNED_BY"]["pid"] == 10

    def test_ended_for_the_usual_time(self, stream: Stream) -> None:
        """It is forgotten as if its end had been seen at the time of the clock."""
        stream.clock(5000.0)
        stream.tracker.seed([known(10)])
        stream.tracker.reconcile([])
        stream.clock(5000.0 + ENDED_SECONDS)
        assert stream.tracker.tables.of(b"").known(b"10")

        stream.clock(5000.5 + ENDED_SECONDS)
        assert not stream.tracker.tables.of(b"").known(b"10")

    def test_still_there(self, stream: Stream) -> None:
        """A process that still runs keeps its program."""
        before = stream.ask(Call.EXEC, 10)
        stream.tracker.reconcile([known(10, seconds=0)])

        assert before["PID"] == stream.ask(Call.PLAIN, 10)["PID"] == {"EVENT_ID": "e1"}

    @pytest.mark.parametrize("millis", [0, 990, 1000])
    def test_start_time_that_is_off(self, stream: Stream, millis: int) -> None:
        """Start times count as the same up to a second; later ones are compared to the new one."""
        stream.tracker.seed([known(10)])
        now = known(10, seconds=100 + millis // 1000, millis=millis % 1000)
        stream.tracker.reconcile([now])
        (process,) = stream.tracker.tables.of(b"").current.values()

        assert (process.id, process.start_time) == (b"100.000", now.start_time)

    def test_pid_that_was_used_again(self, stream: Stream) -> None:
        """Another start time is another process."""
        stream.tracker.seed([known(10)])
        stream.tracker.reconcile([known(10, seconds=102)])

        assert stream.ask(Call.PLAIN, 10)["PID"] == {"START_TIME": "102.000"}

    @pytest.mark.parametrize(("seconds", "key"), [(1001, "EVENT_ID"), (1002, "START_TIME")])
    def test_known_from_events_only(self, seconds: int, key: str) -> None:
        """A process that was seen before the one of /proc has started is another one."""
        tracker = Tracker(TrackerOptions(NO_PARENT_INFO))
        tracker.apply([queries_of([(1, Query(Call.EXEC, 10))])._replace(ids=[b"1000.123:77"])])
        tracker.reconcile([known(10, seconds=seconds)])

        ((answer,),) = tracker.apply([queries_of([(2, Query(Call.PLAIN, 10))])])
        assert key.encode() in answer

    def test_new(self) -> None:
        """A process that has come is known, with what it inherits."""
        stream = labelling(exe=PatternLabels({"^/bin/p$": "x"}, {}), propagated=frozenset((b"x",)))
        stream.tracker.seed([known(5, exe=b'"/bin/p"')])
        stream.tracker.reconcile([known(5, exe=b'"/bin/p"'), known(10, 5)])
        answer = stream.ask(Call.PLAIN, 10, 5)

        assert answer["PID"] == {"START_TIME": "100.000"}
        assert answer["LABELS"] == ["x"]

    def test_ended_but_listed(self, stream: Stream) -> None:
        """A process that has called exit_group and still is in /proc does not come back."""
        stream.tracker.seed([known(10)])
        stream.ask(Call.EXIT_GROUP, 10)
        stream.tracker.reconcile([known(10)])

        assert stream.tracker.tables.of(b"").current == {}

    def test_other_nodes(self, stream: Stream) -> None:
        """/proc says nothing about other hosts."""
        stream.ask(Call.EXEC, 10, node='"a"')
        stream.tracker.reconcile([])

        assert stream.ask(Call.PLAIN, 10, node='"a"')["PID"] == {"EVENT_ID": "e1"}


def known(
    pid: int, ppid: int = 1, exe: bytes = b'"/bin/sh"', *, seconds: int = 100, millis: int = 0
) -> Process:
    """A process as /proc shows it."""
    start = b"%d.%03d" % (seconds, millis)
    ids = b"%d" % pid, b"%d" % ppid
    return Process(start, *ids, b'"c"', exe, start_time=start, by_start_time=True)


a_query = st.builds(
    Query,
    st.sampled_from([Call.PLAIN, Call.EXEC, Call.EXIT_GROUP, Call.LOOK_UP]),
    st.integers(2, 6),
    st.integers(1, 6),
    st.sampled_from(["/bin/sh", "/bin/ls"]),
    st.sampled_from(["", '"a"']),
    st.sampled_from(["null", '"k"', '"j%01k"']),
)
MUCH = TrackerOptions(
    labels=LabelRules(frozenset((b"k",)), PatternLabels({"ls": "l"}, {}), frozenset((b"k", b"l"))),
    filters=ProcessFilters(keys=any_of(frozenset((b"j",))), labels=any_of(frozenset((b"l",)))),
)


@given(queries=st.lists(a_query, max_size=30), options=st.sampled_from([TrackerOptions(), MUCH]))
def test_answers_do_not_depend_on_memory(queries: list[Query], options: TrackerOptions) -> None:
    """An answer from memory is the one that would be given without any."""
    numbered = list(enumerate(queries, 1))
    (expected,) = Tracker(options).apply([queries_of(numbered)])

    tracker = Tracker(options)
    for (position, query), answer in zip(numbered, expected, strict=True):
        tracker._answers.clear()
        assert tracker.apply([queries_of([(position, query)])]) == [[answer]]


@given(
    queries=st.lists(st.tuples(a_query, st.integers(0, 2)), max_size=30),
    cuts=st.sets(st.integers(0, 30)),
    options=st.sampled_from([TrackerOptions(), MUCH]),
)
def test_answers_do_not_depend_on_workers_and_batches(
    queries: list[tuple[Query, int]], cuts: set[int], options: TrackerOptions
) -> None:
    """Queries of three workers, merged by position, get the answers of one worker's queries."""
    numbered = [(position, query) for position, (query, _) in enumerate(queries, 1)]
    (expected,) = Tracker(options).apply([queries_of(numbered)])

    tracker = Tracker(options)
    found: dict[int, bytes] = {}
    bounds = [0, *sorted(cut for cut in cuts if cut < len(queries)), len(queries)]
    for start, end in pairwise(bounds):
        shares = [
            [numbered[index] for index in range(start, end) if queries[index][1] == worker]
            for worker in range(3)
        ]
        answers: list[Annotations] = tracker.apply([queries_of(share) for share in shares])
        for share, given_back in zip(shares, answers, strict=True):
            positions = [position for position, _ in share]
            found |= dict(zip(positions, given_back, strict=True))

    assert expected == [found[position] for position, _ in numbered]

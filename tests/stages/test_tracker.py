"""The tracker: rows of all workers in, annotations out, in the order of the stream."""

from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.events.syscall import Call
from laurel_mp.processes.context import ContextOptions
from laurel_mp.stages import tracker as tracker_module
from laurel_mp.stages.messages import Annotations, DecodedRows
from laurel_mp.stages.tracker import Tracker


@dataclass(frozen=True)
class Row:
    """One question."""

    call: Call
    pid: int
    ppid: int = 1
    exe: str = "/bin/sh"
    node: str = ""

    def who(self) -> bytes:
        """As a worker sends it."""
        names = [str(self.pid), str(self.ppid), '"c"', f'"{self.exe}"']
        if self.call is Call.LOOK_UP:
            names = [str(self.pid), "OPID"]
        return "\t".join([*names, *filter(None, [self.node])]).encode()


@dataclass
class Stream:
    """A tracker, fed row by row; event ids are `e1`, `e2` and so on."""

    tracker: Tracker = field(default_factory=lambda: Tracker(ContextOptions(parent_info=False)))
    count: int = 0

    def ask(self, call: Call, pid: int, ppid: int = 1, exe: str = "/bin/sh",
            node: str = "") -> dict[str, Any]:  # fmt: skip
        """The answer to the next row."""
        self.count += 1
        rows = rows_of([(self.count, Row(call, pid, ppid, exe, node))])
        ((answer,),) = self.tracker.apply([rows])
        text = b'{"pid":0' + answer + (b"}" if call is Call.LOOK_UP else b"")
        found: dict[str, Any] = orjson.loads(text)
        return found


def rows_of(rows: list[tuple[int, Row]]) -> DecodedRows:
    """Rows with their positions, as one worker's message."""
    return DecodedRows(
        0,
        array("Q", [position for position, _ in rows]).tobytes(),
        bytes(row.call for _, row in rows),
        b"\n".join(row.who() for _, row in rows),
        b"\n".join(b"e%d" % position for position, _ in rows),
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
    """An exec that failed comes as a plain row: each search along PATH makes some."""
    stream.ask(Call.EXEC, 10)

    assert stream.ask(Call.PLAIN, 10)["PID"] == {"EVENT_ID": "e1"}


def test_exec_of_the_same_program_is_no_old_answer(stream: Stream) -> None:
    """Equal rows before and after an exec get different answers."""
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
    """A child's events name its parent until somebody else has its pid."""
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


def test_rows_are_counted(stream: Stream) -> None:
    """Each row is counted, with or without a remembered answer."""
    for _ in range(3):
        stream.ask(Call.PLAIN, 10)

    assert stream.tracker.rows == 3


def test_batch_without_rows(stream: Stream) -> None:
    """A worker that asks nothing gets no answers, and those of others stay theirs."""
    rows = rows_of([(1, Row(Call.EXEC, 10))])

    empty, (answer,), other = stream.tracker.apply([rows_of([]), rows, rows_of([])])

    assert (empty, other) == ([], [])
    assert b'"EVENT_ID":"e1"' in answer


a_row = st.builds(
    Row,
    st.sampled_from([Call.PLAIN, Call.EXEC, Call.EXIT_GROUP, Call.LOOK_UP]),
    st.integers(2, 6),
    st.integers(1, 6),
    st.sampled_from(["/bin/sh", "/bin/ls"]),
    st.sampled_from(["", '"a"']),
)


@given(
    rows=st.lists(st.tuples(a_row, st.integers(0, 2)), max_size=30),
    cuts=st.sets(st.integers(0, 30)),
)
def test_answers_do_not_depend_on_workers_and_batches(
    rows: list[tuple[Row, int]], cuts: set[int]
) -> None:
    """Rows of three workers, merged by position, get the answers of one worker's rows."""
    numbered = [(position, row) for position, (row, _) in enumerate(rows, 1)]
    (expected,) = Tracker(ContextOptions()).apply([rows_of(numbered)])

    tracker = Tracker(ContextOptions())
    found: dict[int, bytes] = {}
    bounds = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    for start, end in pairwise(bounds):
        shares = [
            [numbered[index] for index in range(start, end) if rows[index][1] == worker]
            for worker in range(3)
        ]
        answers: list[Annotations] = tracker.apply([rows_of(share) for share in shares])
        for share, given_back in zip(shares, answers, strict=True):
            positions = [position for position, _ in share]
            found |= dict(zip(positions, given_back, strict=True))

    assert expected == [found[position] for position, _ in numbered]

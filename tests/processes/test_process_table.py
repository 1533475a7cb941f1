"""The process table: which instance an event belongs to."""

import pytest

from laurel_mp.processes import process_table as table_module
from laurel_mp.processes.labels import NONE, Labels
from laurel_mp.processes.process_table import (
    ENDED_SECONDS,
    NO_FACTS,
    Facts,
    Observation,
    Origin,
    Process,
    ProcessTable,
    ProcessTables,
    origin_of,
)

SHELL = b'"/bin/sh"'
LIST = b'"/bin/ls"'


class History:
    """A table, and events that happen one after another."""

    def __init__(self, propagated: Labels = NONE) -> None:
        self.table = ProcessTable(propagated)
        self.now = 0

    def seen(self, pid: int, ppid: int, exe: bytes = SHELL, start_time: bytes = b"") -> Process:
        """An event of a process; its id is `eN`, counted from 1."""
        process, _ = self.table.observe(self._observation(pid, ppid, exe, start_time))
        return process

    def executed(self, pid: int, ppid: int, exe: bytes = SHELL, start_time: bytes = b"") -> Process:
        """A successful exec."""
        return self.table.execute(self._observation(pid, ppid, exe, start_time))

    def ended(self, pid: int, when: float = 0.0) -> None:
        """The process has called exit_group."""
        self.table.end(self.table.current[b"%d" % pid], when)

    def labelled(self, process: Process, *labels: bytes) -> Process:
        """The process with labels of its own."""
        return self.table.change(process, labels=frozenset(labels))

    def _observation(self, pid: int, ppid: int, exe: bytes, start_time: bytes) -> Observation:
        self.now += 1
        id_ = b"e%d" % self.now
        return id_, b"%d" % pid, b"%d" % ppid, b'"c"', exe, self.now, Facts(start_time)


@pytest.fixture
def history() -> History:
    """A table that knows nothing yet."""
    return History()


def test_first_event_starts_an_instance(history: History) -> None:
    """An unknown process gets the id of the event that it was first seen in."""
    assert history.seen(10, 1).id == b"e1"


def test_later_events_belong_to_it(history: History) -> None:
    """The same pid, parent and program are the same instance."""
    first = history.seen(10, 1)

    assert first is history.seen(10, 1)


def test_exec_starts_an_instance(history: History) -> None:
    """An exec gives the process a new id."""
    history.seen(10, 1)

    assert history.executed(10, 1, LIST).id == b"e2"


def test_exec_remembers_the_previous_self(history: History) -> None:
    """The instance before an exec is the origin of the instance behind it."""
    history.seen(5, 1)
    history.seen(10, 5)
    origin = history.executed(10, 5, LIST).origin

    assert origin is not None
    assert (origin.id, origin.pid) == (b"e2", b"10")


def test_exec_of_the_same_program_is_a_new_instance(history: History) -> None:
    """A shell that executes itself again has a new id, and its old self as origin."""
    history.executed(10, 1)
    again = history.executed(10, 1)

    assert again.id == b"e2"
    assert again.origin is not None
    assert again.origin.id == b"e1"


def test_origin_of_a_child_is_its_parent(history: History) -> None:
    """A process that was never seen before comes from its parent."""
    history.seen(5, 1)
    origin = history.executed(10, 5, LIST).origin

    assert origin is not None
    assert (origin.id, origin.pid) == (b"e1", b"5")


def test_nothing_is_known_about_an_unknown_parent(history: History) -> None:
    """Without an event of the parent there is no origin."""
    assert history.seen(10, 5).origin is None


def test_other_program_is_another_instance(history: History) -> None:
    """An exec that no rule has shown is seen by the program that runs now."""
    history.seen(10, 1)

    assert history.seen(10, 1, LIST).id == b"e2"


def test_removed_program_is_the_same(history: History) -> None:
    """An upgrade removes the file of a running program, which keeps its identity."""
    before = history.seen(10, 1, b'"/bin/sh"')

    assert before is history.seen(10, 1, b'"/bin/sh (deleted)"')


def test_orphan_goes_to_init(history: History) -> None:
    """A process whose parent has gone stays what it was when init takes it over."""
    history.seen(5, 3)
    orphan = history.seen(10, 5)

    assert orphan.id == history.seen(10, 1).id


def test_orphan_goes_to_an_ancestor(history: History) -> None:
    """A sub-reaper takes over the processes of its descendants, however far down."""
    history.seen(3, 2)
    history.seen(4, 3)
    history.seen(5, 4)
    orphan = history.seen(10, 5)

    assert orphan.id == history.seen(10, 3).id


def test_orphan_has_a_new_parent(history: History) -> None:
    """The instance says who its parent is now."""
    history.seen(10, 5)

    assert history.seen(10, 1).ppid == b"1"


def test_exec_of_an_orphan_keeps_its_history(history: History) -> None:
    """A double fork: the grandchild is taken over by init and only then executes."""
    history.seen(4, 2)
    history.seen(5, 4)
    history.seen(10, 5)
    origin = history.executed(10, 1, LIST).origin

    assert origin is not None
    assert origin.id == b"e3"


def test_pid_was_used_again(history: History) -> None:
    """A parent that is neither init nor an ancestor can only be that of another process."""
    history.seen(5, 1)
    history.seen(6, 1)
    history.seen(10, 5)
    again = history.seen(10, 6)

    assert again.id == b"e4"
    assert again.origin is not None
    assert again.origin.pid == b"6"


def test_exec_of_a_pid_that_was_used_again(history: History) -> None:
    """It has no previous program: the one before was another process."""
    history.seen(6, 1)
    history.seen(10, 5)
    origin = history.executed(10, 6, LIST).origin

    assert origin is not None
    assert origin.pid == b"6"


def test_process_that_ended_does_nothing_more(history: History) -> None:
    """After exit_group the pid stands for a new process, also with the same parent."""
    history.seen(10, 1)
    history.ended(10)

    assert history.seen(10, 1).id == b"e2"


def test_exec_after_the_end_has_no_previous_self(history: History) -> None:
    """The new process comes from its parent, not from who had the pid before."""
    history.seen(5, 1)
    history.seen(10, 5)
    history.ended(10)
    origin = history.executed(10, 5, LIST).origin

    assert origin is not None
    assert origin.pid == b"5"


def test_child_outlives_its_parent(history: History) -> None:
    """An ended process stays known to its children until its pid is used again."""
    history.seen(5, 1)
    history.ended(5)
    origin = history.seen(10, 5).origin

    assert origin is not None
    assert origin.id == b"e1"


def test_origins_are_no_chain(history: History) -> None:
    """A process that executes for ever must not keep all of its past in memory."""
    history.executed(10, 1)
    history.executed(10, 1)
    origin = history.executed(10, 1).origin

    assert isinstance(origin, Origin)
    assert not hasattr(origin, "origin")


def test_ancestors_are_bounded(history: History) -> None:
    """A fork chain without end is remembered in part."""
    for pid in range(2, 200):
        history.seen(pid, pid - 1)

    assert len(history.table.current[b"199"].ancestors) == table_module.MAX_ANCESTORS


# --- processes that have ended


def test_ended_process_is_not_running(history: History) -> None:
    """An ended process is known, but not as the live instance of its pid."""
    process = history.seen(10, 1)
    history.ended(10)

    assert process is history.table.known(b"10")
    assert b"10" not in history.table.current


@pytest.mark.parametrize(
    ("later", "expected"), [(ENDED_SECONDS, True), (ENDED_SECONDS + 0.5, False)]
)
def test_ended_process_expires_by_the_clock(history: History, later: float, expected: bool) -> None:
    """It is forgotten when the arrival clock says so."""
    history.seen(10, 1)
    history.ended(10, 1000.0)
    history.table.expire(1000.0 + later)

    assert expected == (history.table.known(b"10") is not None)


def test_living_processes_do_not_expire(history: History) -> None:
    """However long a process is quiet, the clock takes none that has not ended."""
    history.seen(10, 1)
    history.table.expire(1e9)

    assert history.table.known(b"10") is not None


def test_each_expires_at_its_own_time(history: History) -> None:
    """A pid that ended twice is remembered from the second time on."""
    for when in (1000.0, 1100.0):
        history.seen(10, 1)
        history.seen(11, 1)
        history.ended(10, when)
    history.ended(11, 1000.5)
    history.table.expire(1000.0 + ENDED_SECONDS + 1)

    assert history.table.known(b"10") is not None


def test_new_process_hides_the_one_that_ended(history: History) -> None:
    """A pid has its latest instance."""
    history.seen(10, 1)
    history.ended(10)
    again = history.seen(10, 1)

    assert again is history.table.known(b"10")


# --- what is changed


def test_a_change_makes_another_object(history: History) -> None:
    """A changed process is another object, so that old references are invalid."""
    before = history.seen(10, 1)
    after = history.table.change(before, argv=b'["x"]')

    assert before is not after
    assert after is history.table.known(b"10")
    assert (before.argv, after.argv, after.id) == (b"", b'["x"]', before.id)


def test_a_new_parent_is_a_change(history: History) -> None:
    """Cached text of an orphan with its old parent becomes invalid."""
    before = history.seen(10, 5)

    assert before is not history.seen(10, 1)


# --- start times


def test_start_time_tells_processes_apart(history: History) -> None:
    """The same pid, parent and program with another start time is another process."""
    history.executed(10, 5, start_time=b"100.000")
    again = history.executed(10, 5, start_time=b"200.000")

    assert again.origin is None


def test_start_time_is_kept_over_an_exec(history: History) -> None:
    """An exec starts no process: without a new start time the old one stays."""
    history.executed(10, 5, start_time=b"100.000")

    assert history.executed(10, 5, LIST).start_time == b"100.000"


# --- labels


PROPAGATED = frozenset((b"a", b"b"))


@pytest.fixture
def labels() -> History:
    """A table that hands on labels `a` and `b`."""
    return History(PROPAGATED)


def test_labels_go_to_children(labels: History) -> None:
    """Those that are propagated, and no others."""
    labels.labelled(labels.seen(5, 3), b"a", b"c")

    assert labels.seen(10, 5).labels == {b"a"}


def test_labels_go_over_an_exec(labels: History) -> None:
    """Propagated labels stay when a process executes another program."""
    labels.labelled(labels.seen(10, 3), b"a", b"c")

    assert labels.executed(10, 3, LIST).labels == {b"a"}


def test_labels_of_a_parent_that_ended(labels: History) -> None:
    """A child that is seen only when its parent has gone inherits all the same."""
    labels.labelled(labels.seen(5, 3), b"b")
    labels.ended(5)

    assert labels.seen(10, 5).labels == {b"b"}


def test_init_hands_on_no_labels(labels: History) -> None:
    """Orphans of everybody are its children."""
    labels.labelled(labels.seen(1, 0), b"a")

    assert labels.seen(10, 1).labels == NONE


def test_init_of_a_container_hands_on_no_labels(labels: History) -> None:
    """Its pid may be any, but the system knows what it is."""
    init = Process(b"100.000", b"5", b"3", b'"c"', SHELL, labels=PROPAGATED, is_init=True)
    labels.table.add(init)

    assert labels.seen(10, 5).labels == NONE
    assert labels.executed(5, 3, LIST).labels == NONE


def test_added_process_inherits(labels: History) -> None:
    """Processes from the system get the labels and ancestors that an event would give them."""
    parent = labels.labelled(labels.seen(5, 3), b"a")
    added = labels.table.add(Process(b"100.000", b"10", b"5", b'"c"', SHELL, by_start_time=True))

    assert added.labels == {b"a"}
    assert added.origin == origin_of(parent)
    assert added.ancestors == (b"5",)


def test_orphans_of_a_container_go_to_its_init(history: History) -> None:
    """Any init may take over a process, also when its descent was not seen."""
    history.table.add(Process(b"100.000", b"7", b"3", b'"c"', SHELL, is_init=True))
    orphan = history.seen(10, 5)

    assert orphan.id == history.seen(10, 7).id


def test_context_comes_from_the_parent(history: History) -> None:
    """A process that was not looked up runs in the container and services of its parent."""
    history.table.change(history.seen(5, 3), container=b"c", services=(b"s.service",))
    process = history.seen(10, 5)

    assert (process.container, process.services) == (b"c", (b"s.service",))


# --- bounds


@pytest.fixture
def _small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "MAX_PROCESSES", 16)


@pytest.mark.usefixtures("_small_table")
class TestEviction:
    """A table for 16 processes, which drops two at a time."""

    def test_size_is_bounded(self, history: History) -> None:
        """However many processes there are, no more are kept."""
        for pid in range(100, 200):
            history.seen(pid, 1)

        assert len(history.table.current) <= 16
        assert history.table.evicted == 100 - len(history.table.current)

    def test_quietest_go_first(self, history: History) -> None:
        """The processes with the latest events stay."""
        for pid in range(100, 116):
            history.seen(pid, 1)
        history.seen(100, 1)
        history.seen(116, 1)

        assert {b"101", b"102"}.isdisjoint(history.table.current)
        assert b"100" in history.table.current

    def test_ended_make_room_for_living(self, history: History) -> None:
        """A process that has ended takes no place of one that is only quiet."""
        for pid in range(100, 116):
            history.seen(pid, 1)
        history.ended(114)
        history.ended(115)
        history.seen(116, 1)

        assert {b"114", b"115"}.isdisjoint(history.table.current)
        assert b"100" in history.table.current
        assert history.table.evicted == 0

    def test_ended_are_bounded(self, history: History) -> None:
        """However many processes end at once, no more are kept; the first to end is the first."""
        for pid in range(100, 120):
            history.seen(pid, 1)
            history.ended(pid)

        kept = [pid for pid in range(100, 120) if history.table.known(b"%d" % pid)]
        assert kept == list(range(104, 120))
        assert history.table.evicted == 4

    def test_parent_stays_for_its_children(self, history: History) -> None:
        """A shell that waits for its children is needed, although it says nothing itself."""
        history.seen(50, 1)
        for pid in range(100, 116):
            history.seen(pid, 50)

        assert b"50" in history.table.current

    def test_ended_parent_stays_for_its_children(self, history: History) -> None:
        """Also who has ended is named by those that it has left behind."""
        history.seen(50, 1)
        history.ended(50)
        for pid in range(100, 116):
            history.seen(pid, 50)

        assert history.table.known(b"50") is not None

    def test_child_goes_before_its_parent(self, history: History) -> None:
        """In a quiet family, the parent is the last one to go."""
        history.seen(50, 1)
        history.seen(51, 50)
        history.seen(52, 51)
        for pid in range(100, 114):
            history.seen(pid, 1)

        assert {b"51", b"52"}.isdisjoint(history.table.current)
        assert b"50" in history.table.current


def test_one_table_for_each_node() -> None:
    """A pid of one host says nothing about the same pid of another one."""
    tables = ProcessTables()

    assert tables.of(b"a") is tables.of(b"a")
    assert tables.of(b"a") is not tables.of(b"b")


def test_number_of_tables_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many nodes, the one that was quiet longest is forgotten, whatever was looked up."""
    monkeypatch.setattr(table_module, "MAX_NODES", 2)
    tables = ProcessTables()
    first, second = tables.of(b"a"), tables.of(b"b")
    for when, table in enumerate((first, second, first)):
        table.observe((b"e", b"10", b"1", b'"c"', SHELL, when, NO_FACTS))
    tables.of(b"b")
    tables.of(b"c")

    assert tables.of(b"a") is first
    assert tables.of(b"b") is not second


def test_statistics_count_all_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes are summed over the nodes, and what was dropped is counted."""
    monkeypatch.setattr(table_module, "MAX_PROCESSES", 8)
    tables = ProcessTables()
    for node in (b"a", b"b"):
        for pid in range(9):
            tables.of(node).observe((b"e", b"%d" % pid, b"1", b'"c"', SHELL, pid, NO_FACTS))

    sizes = {"nodes": 3, "nodes_dropped": 0, "processes": 16, "evicted": 2}
    assert tables.statistics() == sizes


def test_statistics_of_dropped_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts of a dropped node stay."""
    monkeypatch.setattr(table_module, "MAX_PROCESSES", 8)
    monkeypatch.setattr(table_module, "MAX_NODES", 1)
    tables = ProcessTables()
    for node in (b"a", b"b"):
        for pid in range(9):
            tables.of(node).observe((b"e", b"%d" % pid, b"1", b'"c"', SHELL, pid, NO_FACTS))

    sizes = {"nodes": 2, "nodes_dropped": 1, "processes": 8, "evicted": 2}
    assert tables.statistics() == sizes


def test_all_tables_expire() -> None:
    """The clock is the same for all nodes."""
    tables = ProcessTables()
    for node in (b"", b"a"):
        process, _ = tables.of(node).observe((b"e", b"10", b"1", b'"c"', SHELL, 1, NO_FACTS))
        tables.of(node).end(process, 1000.0)
    tables.expire(1000.0 + ENDED_SECONDS + 1)

    assert [tables.of(node).known(b"10") for node in (b"", b"a")] == [None, None]


def test_a_table_that_is_dropped_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no answer that was cached about it is taken for one about the node's next table."""
    monkeypatch.setattr(table_module, "MAX_NODES", 1)
    tables = ProcessTables()
    first = tables.of(b"a")
    first.observe((b"e", b"10", b"1", b'"c"', SHELL, 1, NO_FACTS))
    tables.of(b"b")

    assert first.current == {}


def test_evicted_process_does_not_come_back_as_its_predecessor(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ended process is forgotten when its pid is used again."""
    history.seen(10, 1)
    history.ended(10)
    history.seen(10, 1)
    monkeypatch.setattr(table_module, "MAX_PROCESSES", 8)
    for pid in range(100, 108):
        history.seen(pid, 1)

    assert history.table.known(b"10") is None


def test_all_tables_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up nodes make room when there are too many processes; the quietest go first."""
    monkeypatch.setattr(table_module, "MAX_IN_ALL", 3)
    tables = ProcessTables()
    for node in (b"a", b"b", b"", b"c", b"a"):
        tables.of(node).observe((b"e", node or b"1", b"0", SHELL, SHELL, 0, NO_FACTS))
        tables.of(node).observe((b"e", b"5", b"0", SHELL, SHELL, 0, NO_FACTS))

    tables.expire(0.0)

    assert tables.statistics()["processes"] <= 3
    assert len(tables.of(b"").current) == 2
    assert not tables.of(b"b").current

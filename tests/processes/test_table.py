"""The process table: which instance an event belongs to."""

import pytest

from laurel_mp.processes import table as table_module
from laurel_mp.processes.table import Process, ProcessTable, ProcessTables

SHELL = b'"/bin/sh"'
LIST = b'"/bin/ls"'


class History:
    """A table, and events that happen one after another."""

    def __init__(self) -> None:
        self.table = ProcessTable()
        self.now = 0

    def seen(self, pid: int, ppid: int, exe: bytes = SHELL) -> Process:
        """An event of a process; its id is `eN`, counted from 1."""
        return self._apply(ProcessTable.observe, pid, ppid, exe)

    def executed(self, pid: int, ppid: int, exe: bytes = SHELL) -> Process:
        """A successful exec."""
        return self._apply(ProcessTable.execute, pid, ppid, exe)

    def ended(self, pid: int) -> None:
        """The process has called exit_group."""
        self.table.current[b"%d" % pid].ended = True

    def _apply(self, how: object, pid: int, ppid: int, exe: bytes) -> Process:
        self.now += 1
        assert callable(how)
        found = how(self.table, b"e%d" % self.now, b"%d" % pid, b"%d" % ppid, b'"c"', exe, self.now)
        assert isinstance(found, Process)
        return found


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
    """What the process was before its exec is the origin of what it is now."""
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
    """An upgrade removes the file of a running program, which goes on as it was."""
    before = history.seen(10, 1, b'"/bin/sh"')

    assert before is history.seen(10, 1, b'"/bin/sh (deleted)"')


def test_orphan_goes_to_init(history: History) -> None:
    """A process whose parent has gone stays what it was when init takes it over."""
    history.seen(5, 3)
    orphan = history.seen(10, 5)

    assert orphan is history.seen(10, 1)


def test_orphan_goes_to_an_ancestor(history: History) -> None:
    """A sub-reaper takes over the processes of its descendants, however far down."""
    history.seen(3, 2)
    history.seen(4, 3)
    history.seen(5, 4)
    orphan = history.seen(10, 5)

    assert orphan is history.seen(10, 3)


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
    """It has no previous self: the one before was somebody else."""
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
    """What ended stays known as long as it is not in the way: its children still name it."""
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

    assert origin is not None
    assert origin.origin is None


def test_ancestors_are_bounded(history: History) -> None:
    """A fork chain without end is remembered in part."""
    for pid in range(2, 200):
        history.seen(pid, pid - 1)

    assert len(history.table.current[b"199"].ancestors) == table_module.MAX_ANCESTORS


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
        """Who was heard of last stays."""
        for pid in range(100, 116):
            history.seen(pid, 1)
        history.seen(100, 1)
        history.seen(116, 1)

        assert {b"101", b"102"}.isdisjoint(history.table.current)
        assert b"100" in history.table.current

    def test_ended_go_before_living(self, history: History) -> None:
        """A process that has ended goes before one that is only quiet."""
        for pid in range(100, 116):
            history.seen(pid, 1)
        history.ended(114)
        history.ended(115)
        history.seen(116, 1)

        assert {b"114", b"115"}.isdisjoint(history.table.current)

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

        assert b"50" in history.table.current

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
    """Of too many nodes, the one that was quiet longest is forgotten."""
    monkeypatch.setattr(table_module, "MAX_NODES", 2)
    tables = ProcessTables()
    first, second = tables.of(b"a"), tables.of(b"b")
    tables.of(b"a")
    tables.of(b"c")

    assert tables.of(b"a") is first
    assert tables.of(b"b") is not second


def test_statistics_count_all_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes are summed over the nodes, and what was dropped is counted."""
    monkeypatch.setattr(table_module, "MAX_PROCESSES", 8)
    tables = ProcessTables()
    for node in (b"a", b"b"):
        for pid in range(9):
            tables.of(node).observe(b"e", b"%d" % pid, b"1", b'"c"', SHELL, pid)

    assert tables.statistics() == {"nodes": 2, "processes": 16, "evicted": 2}

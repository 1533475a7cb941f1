"""Processes that run while their lines are read: plugin mode looks at this host."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.stories.conftest import Start
from tests.support.live import (
    Program,
    asleep,
    copied,
    gone,
    line_of_command,
    line_of_descent,
    local_node,
    now,
    running,
)
from tests.support.requirements import require, root
from tests.support.waiting import wait_until

SHELLS = """
[label-process]
label-exe.'/top$' = 'shell'
propagate-labels = ["shell"]
"""


def test_a_process_that_ended_is_known_from_the_start(start: Start) -> None:
    """The table is filled when the plugin starts: a parent may be gone when it is needed."""
    stream = now()
    with running() as (parent, process), start() as plugin:
        id_, about = parent.start_time(), parent.described()
        process.kill()
        process.wait()
        child = plugin.tell(stream, stream.execute(gone(), parent.pid, "/bin/true", "true"))
    assert child["SYSCALL"]["PPID"] == {"START_TIME": id_}
    assert child["PARENT_INFO"] == about


def test_lines_that_name_this_host_are_about_it(start: Start) -> None:
    """With `node=` of this host the same is known as without."""
    stream = now()
    stream.node = local_node()
    with running() as (parent, process), start() as plugin:
        about = parent.described()
        process.kill()
        process.wait()
        child = plugin.tell(stream, stream.execute(gone(), parent.pid, "/bin/true", "true"))
    assert child["PARENT_INFO"] == about


def test_a_daemon_is_not_its_own_parent(start: Start) -> None:
    """P1: what runs at the start has its real parent, as PPID and as SPAWNED_BY."""
    stream = now()
    with line_of_descent(3) as (_, parent, child), start() as plugin:
        syscall = plugin.tell(stream, child.opens(stream))["SYSCALL"]
        id_ = parent.start_time()
        assert syscall["PID"]["START_TIME"] == child.start_time()
    assert syscall["PPID"] == {"START_TIME": id_}
    spawned_by = {key: getattr(parent, key) for key in ("pid", "comm", "exe")}
    assert syscall["SPAWNED_BY"] == {"START_TIME": id_} | spawned_by


def test_labels_of_what_runs_at_the_start_pass_on(start: Start, tmp_path: Path) -> None:
    """P1: children that run already inherit the labels of their ancestors."""
    stream = now()
    with line_of_descent(4, copied("sh", tmp_path, "top")) as line, start(SHELLS) as plugin:
        syscall = plugin.tell(stream, line[-1].opens(stream))["SYSCALL"]
    assert syscall["LABELS"] == ["shell"]


def test_a_process_is_looked_up(start: Start) -> None:
    """A process that was never seen is known by its start time, and so is its parent."""
    stream = now()
    with start() as plugin, line_of_descent(2) as (parent, child):
        event = plugin.tell(stream, child.opens(stream))
        assert event["SYSCALL"]["PID"]["START_TIME"] == child.start_time()
        assert event["SYSCALL"]["PPID"] == {"START_TIME": parent.start_time()}
    assert event["PARENT_INFO"] == parent.described()


def test_a_process_is_looked_up_with_all_of_its_parents(start: Start, tmp_path: Path) -> None:
    """P8: what is looked up gets parents and labels like what runs at the start."""
    stream = now()
    top = copied("sh", tmp_path, "top")
    with start(SHELLS) as plugin, line_of_descent(5, top) as line:
        syscall = plugin.tell(stream, line[-1].opens(stream))["SYSCALL"]
        assert syscall["SPAWNED_BY"]["START_TIME"] == line[-2].start_time()
    assert syscall["LABELS"] == ["shell"]


def test_ids_of_events_replace_start_times(start: Start) -> None:
    """A process that was looked up is named by the event of its next exec; its child says so."""
    stream = now()
    with start() as plugin, line_of_descent(2) as (parent, child):
        before = plugin.tell(stream, parent.opens(stream))["SYSCALL"]
        executed = plugin.tell(stream, parent.executes(stream))
        event = plugin.tell(stream, child.opens(stream))
    assert executed["SYSCALL"]["SPAWNED_BY"]["START_TIME"] == before["PID"]["START_TIME"]
    assert event["SYSCALL"]["PPID"] == {"EVENT_ID": executed["ID"]}
    assert event["PARENT_INFO"] == {"ID": executed["ID"]} | parent.described()


def test_a_process_that_another_record_names(start: Start) -> None:
    """The target of a signal is looked up, too."""
    stream = now()
    with start() as plugin, asleep() as victim:
        event = plugin.tell(stream, stream.kill(gone(), 1, "/bin/kill", victim.pid))
        expected = {"START_TIME": victim.start_time()} | victim.described()
    assert event["OBJ_PID"][0]["OPID"] == expected


def test_a_program_that_has_changed_since(start: Start) -> None:
    """Facts about another program than that of the event do not count."""
    stream = now()
    with start() as plugin, asleep() as program:
        id_ = stream.open(program.pid, program.ppid, "/usr/bin/before-the-exec")
        syscall = plugin.tell(stream, id_)["SYSCALL"]
    assert syscall["PID"] == {"EVENT_ID": id_}


def test_events_that_lag_behind_reality(start: Start) -> None:
    """P6: events of an ended process keep its labels and history."""
    stream = now()
    config = '[label-process]\nlabel-keys = ["watched"]'
    with start(config) as plugin:
        with asleep() as program:
            executed = plugin.tell(stream, program.executes(stream, key="watched"))
        for _ in range(3):
            stream.wait(60)
            later = plugin.tell(stream, program.opens(stream))
    assert later["SYSCALL"]["PID"] == executed["SYSCALL"]["PID"]
    assert later["SYSCALL"]["LABELS"] == ["watched"]


def test_a_pid_that_is_used_again_by_the_same_program(start: Start) -> None:
    """P8: another start time is another process, though program and parent are the same."""
    root()
    last_pid = Path("/proc/sys/kernel/ns_last_pid")
    require(last_pid.exists(), "a kernel that lets us choose pids")
    stream = now()
    found: list[subprocess.Popen[bytes]] = []
    config = '[label-process]\nlabel-keys = ["watched"]\npropagate-labels = ["watched"]'

    def is_reused(pid: int) -> bool:
        last_pid.write_text(str(pid - 1))
        process = subprocess.Popen(["sleep", "1000"])
        if process.pid == pid:
            found.append(process)
            return True
        process.kill()  # another process was faster
        process.wait()
        return False

    with start(config) as plugin:
        with asleep() as first:
            before = plugin.tell(stream, first.executes(stream, key="watched"))
            started = first.start_time()
        try:
            wait_until(lambda: is_reused(first.pid), "the pid is used again")
            second = Program(first.pid, first.ppid)
            wait_until(lambda: second.start_time() != started, "it is another tick")
            after = plugin.tell(stream, second.executes(stream))
        finally:
            for process in found:
                process.kill()
                process.wait()
    assert before["SYSCALL"]["LABELS"] == ["watched"]
    assert "LABELS" not in after["SYSCALL"]
    assert after["SYSCALL"]["SPAWNED_BY"]["pid"] == first.ppid


def test_the_init_of_a_container(start: Start) -> None:
    """It passes on no labels, and takes in orphans of programs that were started from outside."""
    root()
    require(shutil.which("unshare"), "the program unshare")
    stream = now()
    command = ("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "sleep 1000 & wait")
    config = '[label-process]\nlabel-keys = ["watched"]\npropagate-labels = ["watched"]'
    with start(config) as plugin, line_of_command(*command, length=3) as (_, init, child):
        first = plugin.tell(stream, init.executes(stream, key="watched"))
        second = plugin.tell(stream, child.executes(stream))
        pid = gone()
        orphan = stream.execute(pid, os.getpid(), "/bin/app", "app")
        later = plugin.tell(stream, stream.open(pid, init.pid, "/bin/app"))
    assert first["SYSCALL"]["LABELS"] == ["watched"]
    assert "LABELS" not in second["SYSCALL"]
    assert later["SYSCALL"]["PID"] == {"EVENT_ID": orphan}


def test_other_hosts_are_not_this_one(start: Start, tmp_path: Path) -> None:
    """P9: about another node nothing is asked here, whatever is switched on."""
    everything = """
[translate]
user-db = true
[enrich]
exe-hash = true
execve-env = ["*"]
"""
    here, there = now(), now()
    here.node, there.node = local_node(), f"not-{local_node()}"
    there.serial = 5000
    with start(everything) as plugin, asleep({"A": "b"}) as program:
        ours = plugin.tell(here, program.executes(here))
        plugin.restart()
        theirs = plugin.tell(there, program.executes(there))
        opened = plugin.tell(there, there.open(program.pid, program.ppid, program.exe))
        signal = plugin.tell(there, there.kill(gone(), 1, "/bin/kill", os.getpid()))
    local = {"PPID", "SPAWNED_BY", "UID_GROUPS", "EXE_HASH", "UID", "AUID"}
    assert local <= set(ours["SYSCALL"])
    assert ours["EXECVE"]["ENV"] == {"A": "b"}
    assert "PARENT_INFO" in ours
    for event in (theirs, opened):
        assert local.isdisjoint(event["SYSCALL"])
        assert event["SYSCALL"]["PID"] == {"EVENT_ID": theirs["ID"]}
        assert "PARENT_INFO" not in event
    assert "ENV" not in theirs["EXECVE"]
    assert "OPID" not in signal["OBJ_PID"][0]


def test_other_hosts_have_users_of_their_own(start: Start) -> None:
    """P9: groups are not shown for another node, when names of users are not asked for either."""
    stream = now()
    stream.node = f"not-{local_node()}"
    with start() as plugin:
        event = plugin.tell(stream, stream.open(gone(), 1, "/bin/true"))
    assert "UID_GROUPS" not in event["SYSCALL"]

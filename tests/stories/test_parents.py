"""Parents of processes."""

from pathlib import Path

import pytest

from tests.stories.conftest import Tell
from tests.support.conversion import convert
from tests.support.stream import Stream


def test_parent_info_is_the_last_exec_of_the_parent(tell: Tell) -> None:
    """PARENT_INFO names the program that the parent runs, and the event of its start."""
    stream = Stream()
    stream.execute(100, 50, "/usr/bin/bash", "bash")
    python = stream.execute(100, 50, "/usr/bin/python3", "python3")
    child = stream.execute(101, 100, "/usr/bin/ls", "ls")
    parent = {"ID": python, "comm": "python3", "exe": "/usr/bin/python3", "ppid": 50}
    assert tell(stream)[child]["PARENT_INFO"] == parent


def test_spawned_by_is_the_previous_self_after_an_exec(tell: Tell) -> None:
    """An exec without a fork was spawned by what the process ran before."""
    stream = Stream()
    bash = stream.execute(100, 50, "/usr/bin/bash", "bash")
    python = stream.execute(100, 50, "/usr/bin/python3", "python3")
    spawned = tell(stream)[python]["SYSCALL"]["SPAWNED_BY"]
    assert spawned == {"EVENT_ID": bash, "pid": 100, "comm": "bash", "exe": "/usr/bin/bash"}


def test_spawned_by_is_the_parent_after_a_fork(tell: Tell) -> None:
    """A process that was forked off was spawned by its parent, also when that is gone."""
    stream = Stream()
    bash = stream.execute(100, 50, "/usr/bin/bash", "bash")
    ls = stream.execute(101, 100, "/usr/bin/ls", "ls")
    stream.leave(100, 50, "/usr/bin/bash")
    orphan = stream.open(101, 1, "/usr/bin/ls")
    events = tell(stream)
    for id_ in (ls, orphan):
        assert events[id_]["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == bash
    assert events[orphan]["SYSCALL"]["PID"] == {"EVENT_ID": ls}


def test_a_daemon_that_executes_itself_again(tell: Tell) -> None:
    """Each exec is an instance of its own, and each follows from the one before."""
    stream = Stream()
    first = stream.execute(300, 1, "/usr/sbin/sshd", "sshd", "-D")
    second = stream.execute(300, 1, "/usr/sbin/sshd", "sshd", "-D", "-R")
    child = stream.execute(301, 300, "/usr/bin/bash", "bash")
    events = tell(stream)
    assert events[second]["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == first
    assert events[second]["SYSCALL"]["PID"]["EVENT_ID"] == second
    assert events[child]["PARENT_INFO"]["ID"] == second


def test_a_double_fork(tell: Tell) -> None:
    """A daemon's parent is gone before it does anything; its origin is still known."""
    stream = Stream()
    start = stream.execute(400, 100, "/usr/sbin/daemon", "daemon")
    middle = stream.open(401, 400, "/usr/sbin/daemon")
    final = stream.open(402, 401, "/usr/sbin/daemon")
    stream.leave(401, 400, "/usr/sbin/daemon")
    stream.leave(400, 100, "/usr/sbin/daemon")
    working = stream.open(402, 1, "/usr/sbin/daemon", "/run/daemon.pid")
    events = tell(stream)
    assert events[middle]["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == start
    assert events[final]["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == middle
    assert events[working]["SYSCALL"]["PID"]["EVENT_ID"] == final
    assert events[working]["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == middle


def test_an_orphan_of_a_sub_reaper(tell: Tell) -> None:
    """P7: an orphan that an ancestor takes in stays the process that it was."""
    stream = Stream()
    stream.execute(500, 1, "/usr/bin/containerd-shim", "shim")
    stream.execute(501, 500, "/usr/bin/sh", "sh")
    program = stream.execute(502, 501, "/usr/bin/app", "app")
    stream.leave(501, 500, "/usr/bin/sh")
    later = stream.open(502, 500, "/usr/bin/app")
    events = tell(stream)
    assert events[later]["SYSCALL"]["PID"] == {"EVENT_ID": program}


def test_another_parent_means_another_process(tell: Tell) -> None:
    """A pid that shows up below a stranger was used again."""
    stream = Stream()
    stream.execute(600, 100, "/usr/bin/app", "app")
    other = stream.open(600, 700, "/usr/bin/app")
    events = tell(stream)
    assert events[other]["SYSCALL"]["PID"] == {"EVENT_ID": other}


def test_exit_of_one_thread_is_no_end(tell: Tell) -> None:
    """After `exit` of a thread the process continues; after `exit_group` it does not."""
    stream = Stream()
    start = stream.execute(700, 100, "/usr/bin/app", "app")
    stream.leave(700, 100, "/usr/bin/app", thread_only=True)
    going_on = stream.open(700, 100, "/usr/bin/app")
    last = stream.leave(700, 100, "/usr/bin/app")
    again = stream.open(700, 100, "/usr/bin/app")
    events = tell(stream)
    assert events[going_on]["SYSCALL"]["PID"] == {"EVENT_ID": start}
    assert events[last]["SYSCALL"]["PID"] == {"EVENT_ID": start}
    assert events[again]["SYSCALL"]["PID"] == {"EVENT_ID": again}


def test_the_target_of_a_signal(tell: Tell) -> None:
    """Other process ids get what is known about them, under their name in upper case."""
    stream = Stream()
    victim = stream.execute(800, 100, "/usr/bin/sleep", "sleep", "60")
    killed = stream.kill(801, 100, "/usr/bin/kill", 800)
    (target,) = tell(stream)[killed]["OBJ_PID"]
    known = {"EVENT_ID": victim, "comm": "sleep", "exe": "/usr/bin/sleep", "ppid": 100}
    assert target["OPID"] == known


def test_each_node_has_its_own_processes(tell: Tell) -> None:
    """P9: the same pid on two hosts is two processes."""
    here, there = Stream(node="alpha"), Stream(node="beta", serial=5000)
    mine = here.execute(100, 50, "/usr/bin/bash", "bash")
    theirs = there.execute(100, 50, "/usr/bin/zsh", "zsh")
    child = here.execute(101, 100, "/usr/bin/ls", "ls")
    other = there.execute(101, 100, "/usr/bin/ls", "ls")
    both = Stream(lines=[*here.lines[:6], *there.lines[:6], *here.lines[6:], *there.lines[6:]])
    events = tell(both)
    assert events[child]["PARENT_INFO"]["ID"] == mine
    assert events[other]["PARENT_INFO"]["ID"] == theirs


def test_verbose_parents(tell: Tell) -> None:
    """`ppid-verbose` says what the parent runs beside its id."""
    stream = Stream()
    bash = stream.execute(100, 50, "/usr/bin/bash", "bash")
    child = stream.execute(101, 100, "/usr/bin/ls", "ls")
    ppid = tell(stream, "[enrich]\nppid-verbose = true")[child]["SYSCALL"]["PPID"]
    assert ppid == {"EVENT_ID": bash, "comm": "bash", "exe": "/usr/bin/bash", "ppid": 50}


def test_context_can_be_switched_off(tell: Tell) -> None:
    """Without pid, parent-info and spawned-by nothing of the kind is shown."""
    stream = Stream()
    stream.execute(100, 50, "/usr/bin/bash", "bash")
    child = stream.execute(101, 100, "/usr/bin/ls", "ls")
    off = "[enrich]\npid = false\nparent-info = false\nspawned-by = false"
    event = tell(stream, off)[child]
    assert "PARENT_INFO" not in event
    assert {"PID", "PPID", "SPAWNED_BY"}.isdisjoint(event["SYSCALL"])


def test_the_command_line_on_every_event(tell: Tell) -> None:
    """`enrich.argv` shows on each event what its process was started with."""
    stream = Stream()
    stream.execute(100, 50, "/usr/bin/tail", "tail", "-f", "x y")
    later = stream.open(100, 50, "/usr/bin/tail")
    forked = stream.open(101, 100, "/usr/bin/tail")
    events = tell(stream, "[enrich]\nargv = true")
    assert events[later]["SYSCALL"]["PID"]["ARGV"] == ["tail", "-f", "x y"]
    assert "ARGV" not in events[forked]["SYSCALL"]["PID"]


def test_record_types(tell: Tell) -> None:
    """`record-types` lists the types of an event's records."""
    stream = Stream()
    opened = stream.open(100, 50, "/usr/bin/cat")
    login = stream.user("USER_LOGIN", 900, "op=login res=success")
    events = tell(stream, "[transform]\nrecord-types = true")
    assert events[opened]["RECORD_TYPES"] == ["SYSCALL", "CWD", "PATH", "PROCTITLE"]
    assert events[login]["RECORD_TYPES"] == ["USER_LOGIN"]


def test_events_of_processes_that_no_longer_run(tell: Tell) -> None:
    """P6: context comes from the stream; what runs on this host now does not matter."""
    stream = Stream()
    nobody = 2**22 + 1  # more than the kernel has
    start = stream.execute(nobody, 50, "/usr/bin/bash", "bash")
    stream.wait(3600)
    later = stream.open(nobody, 50, "/usr/bin/bash")
    assert tell(stream)[later]["SYSCALL"]["PID"] == {"EVENT_ID": start}


def test_scripts_can_be_switched_off(tell: Tell) -> None:
    """Without `enrich.script` none is named."""
    stream = Stream()
    id_ = stream.execute(200, 100, "/bin/sh", "/bin/sh", "/x", script="/x")
    assert tell(stream)[id_]["SYSCALL"]["SCRIPT"] == "/x"
    assert "SCRIPT" not in tell(stream, "[enrich]\nscript = false")[id_]["SYSCALL"]


def test_the_command_line_is_cut(tell: Tell) -> None:
    """PID.ARGV stays within `execve-argv-limit-bytes`, as EXECVE.ARGV does."""
    stream = Stream()
    words = [f"argument-{number}" for number in range(100)]
    start = stream.execute(100, 50, "/usr/bin/x", *words)
    later = stream.open(100, 50, "/usr/bin/x")
    config = "[transform]\nexecve-argv-limit-bytes = 100\n[enrich]\nargv = true"
    events = tell(stream, config)
    shown = events[start]["EXECVE"]["ARGV"]
    assert any("skipped_args" in word for word in shown)
    assert events[later]["SYSCALL"]["PID"]["ARGV"] == shown


@pytest.mark.parametrize("workers", [0, 2])
def test_incomplete_events_say_why(tmp_path: Path, workers: int) -> None:
    """INCOMPLETE lists what is known to be missing; whole events have no such key."""
    stream = Stream()
    whole = stream.open(100, 50, "/usr/bin/cat")
    syscall = stream.syscall("openat", 100, 50, "/usr/bin/cat", items=2)
    paths = stream.event(syscall, ("CWD", 'cwd="/"'))
    executed = stream.syscall("execve", 100, 50, "/usr/bin/cat")
    arguments = stream.event(executed, ("EXECVE", 'argc=3 a0="cat" a2="x"'))
    both = stream.event(syscall, ("CWD", 'cwd="/"'), end=False)
    stream.wait(10)
    stream.open(100, 50, "/usr/bin/cat")
    stream.record(both, "CWD", 'cwd="/late"')
    stream.record(both, "EOE", "")
    reasons: dict[str, list[list[str]]] = {}
    for event in convert(tmp_path, stream.text(), workers=workers):
        reasons.setdefault(event["ID"], []).append(event.get("INCOMPLETE", []))
    assert reasons[whole] == [[]]
    assert reasons[paths] == [["missing-path"]]
    assert reasons[arguments] == [["missing-args"]]
    assert reasons[both] == [["no-eoe", "missing-path"], ["late"]]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_event_that_is_cut_says_so(tmp_path: Path, workers: int) -> None:
    """Events that meet a limit are marked as `cut`."""
    stream = Stream()
    stream.execute(100, 50, "/usr/bin/x", "y" * 800)
    settings = "[pipeline]\nmax-line-bytes = 1024\nmax-event-bytes = 1500"
    event, *_ = convert(tmp_path, stream.text(), settings, workers)
    assert "cut" in event["INCOMPLETE"]

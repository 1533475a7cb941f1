"""Processes out of /proc: the real one, and one made for the purpose."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from laurel_mp.processes import procfs as module
from laurel_mp.processes.environment import VariableFilter, Variables
from laurel_mp.processes.procfs import LiveProcess, Procfs, Snapshot
from tests.support.procfs_tree import BOOT_TIME, ProcfsTree
from tests.support.requirements import require
from tests.support.waiting import wait_until

CONTAINER = b"4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
ME = b"%d" % os.getpid()


@pytest.fixture
def tree(tmp_path: Path) -> ProcfsTree:
    """A /proc without processes."""
    return ProcfsTree(tmp_path)


@pytest.fixture
def procfs(tree: ProcfsTree) -> Procfs:
    """Returns a reader of the fake /proc."""
    return Procfs(str(tree.root))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A real process, which ends with the test."""
    with subprocess.Popen(
        ["sleep", "1000"], env={"LD_PRELOAD": "", "A": "1"}, stdin=subprocess.DEVNULL
    ) as process:
        comm = Path(f"/proc/{process.pid}/comm")
        wait_until(lambda: comm.read_text() == "sleep\n", "the program has started")
        yield process
        process.kill()


def pid_of(process: subprocess.Popen[bytes]) -> bytes:
    """Its process id as it stands in records."""
    return b"%d" % process.pid


def live(procfs: Procfs, pid: bytes) -> LiveProcess:
    """A process that is there."""
    process = procfs.open(pid)
    assert process is not None
    return process


def test_snapshot(tree: ProcfsTree, procfs: Procfs) -> None:
    """A snapshot has all that the process table wants to know."""
    cgroup = f"0::/system.slice/web.service/libpod-payload-{CONTAINER.decode()}\n"
    tree.add(70, 7, b"nginx", 12345, "/usr/sbin/nginx", cgroup, "\t1")
    expected = Snapshot(
        pid=b"70",
        ppid=b"7",
        comm=b"nginx",
        exe=b"/usr/sbin/nginx",
        start_time=b"%d.450" % (BOOT_TIME + 123),
        start_ticks=12345,
        container=CONTAINER,
        services=(b"web.service",),
        is_init=True,
    )

    assert expected == procfs.snapshot(b"70")


@pytest.mark.parametrize(
    ("ticks", "expected"),
    [(0, b"%d.000" % BOOT_TIME), (7, b"%d.070" % BOOT_TIME), (1234, b"%d.340" % (BOOT_TIME + 12))],
)
def test_start_time(procfs: Procfs, ticks: int, expected: bytes) -> None:
    """Start times have milliseconds, though a tick is ten of them."""
    assert expected == procfs.start_time(ticks)


@pytest.mark.parametrize("text", [None, "cpu  1 2 3\n"])
def test_without_a_boot_time(tree: ProcfsTree, procfs: Procfs, text: str | None) -> None:
    """Start times still tell processes apart if the time of the boot is unknown."""
    (tree.root / "stat").unlink()
    if text is not None:
        (tree.root / "stat").write_text(text)

    assert procfs.start_time(1234) == b"12.340"


def test_a_clock_that_is_set_changes_no_start_time(tree: ProcfsTree, procfs: Procfs) -> None:
    """The time of the boot is what it was when it was first asked for."""
    before = procfs.start_time(100)
    (tree.root / "stat").write_text("btime 5\n")

    assert before == procfs.start_time(100)


@pytest.mark.parametrize("comm", [b"a b", b"((a) b) c", b") S 1 2", b"\xff\n", b""])
def test_names_of_processes_are_any_bytes(tree: ProcfsTree, procfs: Procfs, comm: bytes) -> None:
    """Parentheses, blanks and newlines in a name do not shift the fields behind it."""
    tree.add(70, 7, comm)

    snapshot = procfs.snapshot(b"70")

    assert snapshot is not None
    assert (comm, b"7", 12345) == (snapshot.comm, snapshot.ppid, snapshot.start_ticks)


@pytest.mark.parametrize(
    ("exe", "root", "expected"),
    [
        ("/bin/x", "/", b"/bin/x"),
        ("/bin/x (deleted)", "/", b"/bin/x (deleted)"),
        ("/srv/jail/bin/x", "/srv/jail", b"/bin/x"),
        ("/srv/jail/bin/x (deleted)", "/srv/jail", b"/bin/x (deleted)"),
        ("/srv/jailer/bin/x", "/srv/jail", b"/srv/jailer/bin/x"),
        ("/usr/sbin/sshd", "/run/sshd", b"/usr/sbin/sshd"),
        ("/a b", "/", b"/a b"),
    ],
)
def test_executables_as_records_name_them(
    tree: ProcfsTree, procfs: Procfs, exe: str, root: str, expected: bytes
) -> None:
    """The name of an executable is seen from the process's own root directory."""
    tree.add(70, exe=exe, root=root)

    with live(procfs, b"70") as process:
        assert expected == process.exe()


def test_kernel_threads_have_no_executable(tree: ProcfsTree, procfs: Procfs) -> None:
    """Kernel threads have a snapshot, too."""
    tree.add(2, 0, b"kthreadd", exe=None)

    snapshot = procfs.snapshot(b"2")

    assert snapshot is not None
    assert snapshot.exe is None


@pytest.mark.parametrize(
    ("pid", "ns_pids", "expected"),
    [(1, "", True), (70, "\t1", True), (70, "\t8\t1", True), (70, "", False), (70, "\t11", False)],
)
def test_inits(tree: ProcfsTree, procfs: Procfs, pid: int, ns_pids: str, expected: bool) -> None:
    """An init has pid 1 in the innermost of its pid namespaces."""
    tree.add(pid, ns_pids=ns_pids)

    snapshot = procfs.snapshot(b"%d" % pid)

    assert snapshot is not None
    assert expected is snapshot.is_init


def test_the_init_of_a_real_namespace(requires_root: None) -> None:
    """The first process of a new pid namespace is an init, and its parent is none."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as unshare:
        procfs = Procfs()
        children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
        wait_until(children.read_text, "it has a child")
        found = [procfs.snapshot(pid) for pid in (pid_of(unshare), children.read_bytes().strip())]
        assert unshare.stdin is not None
        unshare.stdin.close()

    assert [snapshot is not None and snapshot.is_init for snapshot in found] == [False, True]


@pytest.mark.parametrize("missing", ["stat", "exe", "root", "cgroup", "status"])
def test_any_file_may_be_missing(tree: ProcfsTree, procfs: Procfs, missing: str) -> None:
    """Without `stat` there is no process; all else is only left out."""
    (tree.add(70) / missing).unlink()

    assert (missing != "stat") is (procfs.snapshot(b"70") is not None)


@pytest.mark.parametrize("text", [b"", b"70", b"70 (x) S 1", b"70 x S 1 1 1"])
def test_invalid_stat(tree: ProcfsTree, procfs: Procfs, text: bytes) -> None:
    """An unreadable file counts as missing."""
    (tree.add(70) / "stat").write_bytes(text)

    assert procfs.snapshot(b"70") is None


@pytest.mark.parametrize("pid", [b"", b"71", b"self", b"../70", b"70/..", b"-1", b"7\0", b"9" * 99])
def test_no_process(tree: ProcfsTree, procfs: Procfs, pid: bytes) -> None:
    """A pid of no process opens nothing."""
    tree.add(70)

    assert procfs.open(pid) is None


def test_this_process() -> None:
    """The real /proc says the same about us as the system calls do."""
    snapshot = Procfs().snapshot(ME)

    assert snapshot is not None
    assert b"%d" % os.getppid() == snapshot.ppid
    assert os.fsencode(Path("/proc/self/exe").readlink()) == snapshot.exe


def test_a_real_start_time(sleeper: subprocess.Popen[bytes]) -> None:
    """A process that was started just now has a start time of now, to about a second."""
    snapshot = Procfs().snapshot(pid_of(sleeper))

    assert snapshot is not None
    assert -1 < time.time() - float(snapshot.start_time) < 30


def test_an_ended_process_is_not_mistaken_for_another(sleeper: subprocess.Popen[bytes]) -> None:
    """Reads of an open process fail after it was reaped."""
    with live(Procfs(), pid_of(sleeper)) as process:
        sleeper.kill()
        sleeper.wait()

        assert [
            process.status(),
            process.exe(),
            process.exe_status(),
            process.open_exe(),
            process.cgroup(),
            process.environ(),
            process.cmdline(100),
        ] == [None] * 7


def test_a_reused_pid_is_not_mistaken(requires_root: None) -> None:
    """P8, P14: what was opened stays silent when its pid belongs to another process."""
    last_pid = Path("/proc/sys/kernel/ns_last_pid")
    require(last_pid.exists(), "a kernel that lets us choose pids")

    def is_reused() -> bool:
        sleeper = subprocess.Popen(["sleep", "100"])
        with live(Procfs(), pid_of(sleeper)) as process:
            sleeper.kill()
            sleeper.wait()
            last_pid.write_text(str(sleeper.pid - 1))
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            try:
                if pid != sleeper.pid:
                    return False  # another process was faster, and may keep it
                assert process.status() is None
                return True
            finally:
                os.waitpid(pid, 0)

    wait_until(is_reused, "a pid is used again")


class Restless(LiveProcess):
    """A process whose executable is another one each time."""

    __slots__ = ("names",)

    names: list[bytes]

    def exe(self) -> bytes | None:
        """The next name."""
        return self.names.pop(0)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([b"/a", b"/a"], b"/a"),
        ([b"/a", b"/b", b"/b", b"/b"], b"/b"),
        ([b"/%d" % number for number in range(2 * module.ATTEMPTS)], None),
    ],
)
def test_an_exec_in_between(
    tree: ProcfsTree, procfs: Procfs, names: list[bytes], expected: bytes | None
) -> None:
    """A snapshot is of one program; a process that will not hold still has none."""
    tree.add(70)
    process = live(procfs, b"70")
    with process:
        restless = Restless(process.pid, process._fd)
        restless.names = list(names)
        snapshot = procfs.snapshot_of(restless)

    assert expected == (snapshot and snapshot.exe)
    assert (expected is None) is (procfs.statistics().restless == 1)


def test_parents_come_first(tree: ProcfsTree, procfs: Procfs) -> None:
    """Each process stands behind its parent, whatever their numbers are."""
    parents = {1: 0, 30: 1, 4: 30, 5: 4, 20: 5, 6: 1, 2: 0}
    for pid, ppid in parents.items():
        tree.add(pid, ppid)

    order = [int(snapshot.pid) for snapshot in procfs.processes()]

    assert set(parents) == set(order)
    assert all(
        order.index(ppid) < order.index(pid) for pid, ppid in parents.items() if ppid in parents
    )


def test_parents_in_a_circle(tree: ProcfsTree, procfs: Procfs) -> None:
    """Pids that are reused while we read can make a circle, which is no reason to hang."""
    for pid, ppid in {1: 0, 5: 6, 6: 7, 7: 5, 8: 8}.items():
        tree.add(pid, ppid)

    assert {b"1", b"5", b"6", b"7", b"8"} == {snapshot.pid for snapshot in procfs.processes()}


def test_all_real_processes(sleeper: subprocess.Popen[bytes]) -> None:
    """A child of ours stands behind us in the list of all processes."""
    order = [snapshot.pid for snapshot in Procfs().processes()]

    assert order.index(ME) < order.index(pid_of(sleeper))


def test_no_proc_at_all(tmp_path: Path) -> None:
    """Without a mounted /proc there are no processes."""
    assert list(Procfs(str(tmp_path / "none")).processes()) == []


def test_variables(sleeper: subprocess.Popen[bytes]) -> None:
    """The environment is read if the process still runs the program that the record names."""
    snapshot = Procfs().snapshot(pid_of(sleeper))
    assert snapshot is not None
    assert snapshot.exe is not None
    wanted = VariableFilter(["A", "B"])

    found = [
        Procfs().variables(pid_of(sleeper), exe, wanted) for exe in (snapshot.exe, b"/bin/other")
    ]

    assert [Variables({b"A": b"1"}, cut=False), None] == found


def test_variables_of_nobody(procfs: Procfs) -> None:
    """A process that has ended has no environment."""
    assert procfs.variables(b"70", b"/bin/x", VariableFilter(["A"])) is None


def test_variables_that_must_not_be_read(tree: ProcfsTree, procfs: Procfs) -> None:
    """Without an environment there are no variables, which is not the same as none."""
    tree.add(70)

    assert procfs.variables(b"70", b"/bin/x", VariableFilter(["A"])) is None


def test_a_long_environment(tree: ProcfsTree, procfs: Procfs) -> None:
    """A text of several reads is put together."""
    text = b"A=" + b"x" * 200_000 + b"\0B=1\0"
    (tree.add(70) / "environ").write_bytes(text)

    with live(procfs, b"70") as process:
        assert text == process.environ()


def test_a_read_that_fails(tree: ProcfsTree, procfs: Procfs) -> None:
    """A file that can be opened may fail to be read."""
    directory = tree.add(70)
    (directory / "environ").mkdir()

    with live(procfs, b"70") as process:
        assert process.environ() is None


@pytest.mark.parametrize(("limit", "expected"), [(100, b"sleep\x001000\x00"), (7, b"sleep\x001")])
def test_cmdline(sleeper: subprocess.Popen[bytes], limit: int, expected: bytes) -> None:
    """A command line is read up to a limit."""
    with live(Procfs(), pid_of(sleeper)) as process:
        assert expected == process.cmdline(limit)


def test_executable_by_device_and_inode(sleeper: subprocess.Popen[bytes]) -> None:
    """The file is known even if its name has changed."""
    with live(Procfs(), pid_of(sleeper)) as process:
        status = process.exe_status()
        name = process.exe()

    assert status is not None
    assert name is not None
    assert os.path.samestat(os.stat(name), status)  # noqa: PTH116 - the name is bytes


def test_statistics(tree: ProcfsTree, procfs: Procfs) -> None:
    """Opened and missing processes are counted."""
    tree.add(70)
    (tree.add(71) / "stat").unlink()
    for pid in (b"70", b"71", b"72"):
        procfs.snapshot(pid)

    assert module.ProcfsStatistics(opened=2, gone=2, restless=0) == procfs.statistics()


def test_cgroups_are_remembered_within_bounds(
    tree: ProcfsTree, procfs: Procfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many cgroups there are, few texts are kept."""
    monkeypatch.setattr(module, "MAX_CGROUPS", 2)
    for number in range(5):
        tree.add(70, cgroup=f"0::/system.slice/{number}.service\n")
        procfs.snapshot(b"70")

    assert len(procfs._by_cgroup) <= 2

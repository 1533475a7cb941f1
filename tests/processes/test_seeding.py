"""Processes of this host for the process table."""

import os
from pathlib import Path

import pytest

from laurel_mp.processes.process_table import Process
from laurel_mp.processes.procfs import Procfs
from laurel_mp.processes.seeding import SystemView
from tests.support.procfs_tree import BOOT_TIME, ProcfsTree


@pytest.fixture
def tree(tmp_path: Path) -> ProcfsTree:
    """A /proc without processes."""
    return ProcfsTree(tmp_path)


def found(tree: ProcfsTree, pid: bytes) -> Process:
    """A process of `tree`."""
    process = SystemView(Procfs(str(tree.root))).find(pid)
    assert process is not None
    return process


def test_its_id_is_its_start_time(tree: ProcfsTree) -> None:
    """There is no event that it could be named by."""
    tree.add(7, 5, start_ticks=0)
    process = found(tree, b"7")

    assert (process.id, process.by_start_time) == (b"%d.000" % BOOT_TIME, True)
    assert (process.pid, process.ppid, process.start_time) == (b"7", b"5", process.id)


def test_names_are_json(tree: ProcfsTree) -> None:
    """As they are in rows, so that they can be compared."""
    tree.add(7, comm=b'a"\xff', exe="/bin/a b")
    process = found(tree, b"7")

    assert (process.comm, process.exe) == (rb'"a\"%ff"', b'"/bin/a b"')


def test_kernel_thread(tree: ProcfsTree) -> None:
    """It has no executable."""
    tree.add(7, exe=None)

    assert found(tree, b"7").exe == b"null"


def test_context(tree: ProcfsTree) -> None:
    """Container and services are known without an exec."""
    container = "ab" * 32
    tree.add(7, cgroup=f"0::/a.service/docker-{container}.scope\n")
    process = found(tree, b"7")

    assert (container.encode(), (b"a.service",)) == (process.container, process.services)


def test_init(tree: ProcfsTree) -> None:
    """The first process of a pid namespace is one, whatever its pid is here."""
    tree.add(7, ns_pids="\t1")
    tree.add(8, ns_pids="\t2")
    for pid in (7, 8):
        (tree.root / str(pid) / "ns").mkdir()
        (tree.root / str(pid) / "ns" / "pid").symlink_to("pid:[2]")

    assert (found(tree, b"7").is_init, found(tree, b"8").is_init) == (True, False)


def test_unknown_process(tree: ProcfsTree) -> None:
    """Nothing is known about what is not there."""
    assert SystemView(Procfs(str(tree.root))).find(b"7") is None


def test_all_processes(tree: ProcfsTree) -> None:
    """Parents come before their children, so that these can inherit."""
    for pid, ppid in ((5, 9), (9, 7), (7, 0)):
        tree.add(pid, ppid)

    pids = [process.pid for process in SystemView(Procfs(str(tree.root))).processes()]
    assert pids == [b"7", b"9", b"5"]


def test_ourselves() -> None:
    """The real /proc shows this process."""
    process = SystemView(Procfs()).find(b"%d" % os.getpid())

    assert process is not None
    assert process.ppid == b"%d" % os.getppid()

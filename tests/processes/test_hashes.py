"""Hashes of executables: of the right file, and of each file once."""

import hashlib
import os
from pathlib import Path

import pytest

from laurel_mp.processes.hashes import ExecutableHashes, HashStatistics
from laurel_mp.processes.procfs import LiveProcess, Procfs
from tests.support.procfs_tree import ProcfsTree

ME = b"%d" % os.getpid()
EXE = os.fsencode(Path("/proc/self/exe").readlink())


class Programs:
    """Processes that run files of our own, and hashes of these."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "proc").mkdir()
        self.tree = ProcfsTree(directory / "proc")
        self.procfs = Procfs(str(self.tree.root))

    def hashes(self, size_limit: int = 1000, cache_entries: int = 10) -> ExecutableHashes:
        """The object under test."""
        return ExecutableHashes(self.procfs, size_limit, cache_entries)

    def run(self, pid: int, content: bytes) -> bytes:
        """Have a process with a program, and return its name."""
        exe = self.directory / f"program-{pid}"
        exe.write_bytes(content)
        self.tree.add(pid, exe=str(exe))
        return os.fsencode(exe)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """No programs yet."""
    return Programs(tmp_path)


def sha256(content: bytes) -> bytes:
    """The expected answer."""
    return hashlib.sha256(content).hexdigest().encode()


def test_a_real_process() -> None:
    """Our own hash is that of the file that we run."""
    expected = sha256(Path(os.fsdecode(EXE)).read_bytes())

    assert expected == ExecutableHashes(Procfs(), 1 << 30, 10).sha256(ME, EXE)


def test_another_program() -> None:
    """A process that runs something else by now has no hash for this event."""
    assert ExecutableHashes(Procfs(), 1 << 30, 10).sha256(ME, b"/bin/other") is None


def test_a_process_that_is_gone(programs: Programs) -> None:
    """Without a process there is no hash."""
    assert programs.hashes().sha256(b"70", b"/bin/x") is None


def test_a_file_that_is_gone(programs: Programs) -> None:
    """Without a file there is no hash."""
    programs.tree.add(70, exe="/no/such/file")

    assert programs.hashes().sha256(b"70", b"/no/such/file") is None


def test_no_regular_file(programs: Programs) -> None:
    """A device or a pipe is not read."""
    programs.tree.add(70, exe="/dev/zero")

    assert programs.hashes().sha256(b"70", b"/dev/zero") is None


@pytest.mark.parametrize(("size", "expected"), [(999, True), (1000, True), (1001, False)])
def test_size_limit(programs: Programs, size: int, expected: bool) -> None:
    """P17: a file up to the limit is hashed, a larger one is not even read."""
    exe = programs.run(70, b"x" * size)
    hashes = programs.hashes(size_limit=1000)

    assert expected is (hashes.sha256(b"70", exe) is not None)
    assert (int(expected), int(not expected)) == hashes.statistics()[2:4]


def test_files_of_many_chunks(programs: Programs) -> None:
    """A file is hashed as a whole."""
    content = os.urandom(1_000_001)
    exe = programs.run(70, content)

    assert sha256(content) == programs.hashes(size_limit=1 << 20).sha256(b"70", exe)


def test_a_file_is_read_once(programs: Programs) -> None:
    """The second answer comes from memory."""
    exe = programs.run(70, b"x")
    hashes = programs.hashes()

    assert [sha256(b"x")] * 2 == [hashes.sha256(b"70", exe) for _ in range(2)]
    assert HashStatistics(1, found=1, hashed=1, too_large=0, evicted=0) == hashes.statistics()


def test_an_upgrade_with_the_same_time_and_size(programs: Programs) -> None:
    """P15: a file is a new one even if its size and time are as before, as in packages."""
    exe = programs.run(70, b"old")
    os.utime(exe, (1, 1))
    hashes = programs.hashes()
    hashes.sha256(b"70", exe)
    programs.run(70, b"new")
    os.utime(exe, (1, 1))

    assert sha256(b"new") == hashes.sha256(b"70", exe)


def test_no_cache(programs: Programs) -> None:
    """P16: without a cache there still are hashes."""
    exe = programs.run(70, b"x")
    hashes = programs.hashes(cache_entries=0)

    assert [sha256(b"x")] * 2 == [hashes.sha256(b"70", exe) for _ in range(2)]
    assert HashStatistics(0, found=0, hashed=2, too_large=0, evicted=0) == hashes.statistics()


def test_the_longest_unused_file_is_forgotten(programs: Programs) -> None:
    """The cache keeps what was asked for last."""
    names = {pid: programs.run(pid, b"%d" % pid) for pid in (70, 71, 72)}
    hashes = programs.hashes(cache_entries=2)
    for pid in (70, 71, 70, 72, 70):
        hashes.sha256(b"%d" % pid, names[pid])

    assert HashStatistics(2, found=2, hashed=3, too_large=0, evicted=1) == hashes.statistics()


def test_an_unreadable_file_is_tried_once(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure is remembered, too."""
    exe = programs.run(70, b"x")

    def fail(_fd: int, _size: int) -> bytes:
        raise OSError(5, "Input/output error")

    hashes = programs.hashes()
    with monkeypatch.context() as context:
        context.setattr(os, "read", fail)
        first = hashes.sha256(b"70", exe)

    assert [first, hashes.sha256(b"70", exe)] == [None, None]
    assert HashStatistics(1, found=1, hashed=1, too_large=0, evicted=0) == hashes.statistics()


def test_a_file_that_must_not_be_opened(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An executable that only some may read has no hash."""
    exe = programs.run(70, b"x")
    monkeypatch.setattr(LiveProcess, "open_exe", lambda _live: None)

    assert programs.hashes().sha256(b"70", exe) is None


def test_a_file_that_changes_meanwhile(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mixture of two files has no hash."""
    exe = programs.run(70, b"x" * 10)
    read = os.read

    def read_and_write(fd: int, size: int) -> bytes:
        os.truncate(exe, 5)
        return read(fd, size)

    monkeypatch.setattr(os, "read", read_and_write)

    assert programs.hashes().sha256(b"70", exe) is None

"""Log files: rotation, modes, files that others move."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.errors import OutputError
from laurel_mp.outputs.acl import Readers
from laurel_mp.outputs.file import LogFile
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.target import Fsync, Target
from tests.support.outputs import lines, policy


@contextmanager
def opened(
    path: Path, size: int = 0, generations: int = 0, readers: Readers | None = None
) -> Iterator[LogFile]:
    """A log file, ready to be written."""
    file = LogFile(Target(str(path), size, generations, readers or Readers()), policy(path))
    file.open()
    try:
        file.resume()
        yield file
    finally:
        file.close()


def generations(path: Path) -> list[bytes]:
    """The contents of all files, the oldest first."""
    old = sorted(path.parent.glob(f"{path.name}.*"), key=lambda each: -int(each.suffix[1:]))
    return [each.read_bytes() for each in (*old, path)]


def test_append(tmp_path: Path) -> None:
    """A log is continued at its end."""
    path = tmp_path / "x.log"
    for text in (b"one\n", b"two\n"):
        with opened(path) as file:
            file.write(text)

    assert path.read_bytes() == b"one\ntwo\n"
    assert list(tmp_path.iterdir()) == [path]


def test_rotation_by_size(tmp_path: Path) -> None:
    """A file is rotated before a line that would not fit."""
    path = tmp_path / "x.log"
    with opened(path, 100, 3) as file:
        for number in range(5):
            file.write(lines(1, 40, number))

    assert generations(path) == [lines(2, 40), lines(2, 40, 2), lines(1, 40, 4)]


def test_oldest_generation_is_dropped(tmp_path: Path) -> None:
    """No more files are kept than were asked for."""
    path = tmp_path / "x.log"
    with opened(path, 100, 2) as file:
        file.write(lines(10, 40))

    assert generations(path) == [lines(2, 40, 4), lines(2, 40, 6), lines(2, 40, 8)]


def test_no_generations(tmp_path: Path) -> None:
    """L2: without generations the file is truncated, and has what follows."""
    path = tmp_path / "x.log"
    with opened(path, 100) as file:
        file.write(lines(5, 40))
        file.write(lines(1, 40, 5))

    assert generations(path) == [lines(2, 40, 4)]


def test_long_line(tmp_path: Path) -> None:
    """A line that is longer than a file may be has a file of its own."""
    path = tmp_path / "x.log"
    with opened(path, 100, 9) as file:
        file.write(lines(1, 40) + lines(1, 400, 1) + lines(1, 40, 2) + lines(1, 200, 3))

    assert generations(path) == [
        lines(1, 40), lines(1, 400, 1), lines(1, 40, 2), lines(1, 200, 3)
    ]  # fmt: skip


@given(
    st.lists(st.lists(st.integers(0, 60), max_size=6), max_size=12),
    st.integers(1, 100),
    st.sampled_from(["write", "rotate", "reopen", "tick"]),
)
def test_any_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[int]], size: int, between: str
) -> None:
    """All lines are there, whole and in order, and no file is larger than it must be."""
    path = tmp_path_factory.mktemp("rotation") / "x.log"
    written = [b"".join(b"x" * length + b"\n" for length in lengths) for lengths in texts]
    file = LogFile(Target(str(path), size, 10_000), policy(path))
    file.open()
    for text in written:
        file.write(text)
        if between == "rotate":
            file.rotate()
        elif between == "tick":
            file.tick()
        elif between == "reopen":
            file.close()
            file.open()
    file.close()
    found = generations(path)

    assert b"".join(found) == b"".join(written)
    for content in found:
        assert len(content) <= size or content.count(b"\n") == 1
        assert content[-1:] in (b"", b"\n")
    if between == "write":
        for one, other in pairwise(found):
            assert len(one) + other.index(b"\n") + 1 > size


def test_rotation_on_demand(tmp_path: Path) -> None:
    """A file is rotated on request, unless it is empty."""
    path = tmp_path / "x.log"
    with opened(path, 0, 3) as file:
        for _ in range(2):
            file.write(b"one\n")
            file.rotate()
            file.rotate()

    assert generations(path) == [b"one\n", b"one\n", b""]


def test_a_gap_is_filled_first(tmp_path: Path) -> None:
    """Generations behind a gap, which a writer that was killed has left, stay where they are."""
    path = tmp_path / "x.log"
    path.write_bytes(b"present\n")
    (tmp_path / "x.log.2").write_bytes(b"two\n")
    (tmp_path / "x.log.3").write_bytes(b"three\n")
    with opened(path, 0, 3) as file:
        file.rotate()

    assert generations(path) == [b"three\n", b"two\n", b"present\n", b""]


def test_rest_of_a_rotation(tmp_path: Path) -> None:
    """A new file that a writer did not live to rename is no obstacle."""
    path = tmp_path / "x.log"
    (tmp_path / ".x.log.new").write_bytes(b"old")
    with opened(path, 0, 3) as file:
        file.write(b"one\n")
        (tmp_path / ".x.log.new").write_bytes(b"old")
        file.rotate()

    assert generations(path) == [b"one\n", b""]
    assert not (tmp_path / ".x.log.new").exists()


def test_half_a_line_is_ended(tmp_path: Path) -> None:
    """L19: after a crash the next line does not go on where another broke off."""
    path = tmp_path / "x.log"
    path.write_bytes(b"one\ntw")
    with opened(path) as file:
        file.write(b"three\n")

    assert path.read_bytes() == b"one\ntw\nthree\n"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (b"one\ntw", b"one\ntwo\nthree\n"),
        (b"tw", b"two\nthree\n"),
        (b"one\nxw", b"one\nxw\ntwo\nthree\n"),
        (b"one\nxtw", b"one\nxtw\ntwo\nthree\n"),
        (b"w", b"w\ntwo\nthree\n"),
        (b"one\n", b"one\ntwo\nthree\n"),
        (b"", b"two\nthree\n"),
    ],
)
def test_a_line_of_ours_is_continued(tmp_path: Path, before: bytes, expected: bytes) -> None:
    """The rest of a text continues the line that it began."""
    path = tmp_path / "x.log"
    path.write_bytes(before)
    file = LogFile(Target(str(path), 1, 9), policy(path))
    file.open()
    text = b"two\nthree\n"
    file.write(text, start=file.resume(text, 2))
    file.close()

    assert b"".join(generations(path)) == expected


@pytest.mark.parametrize("before", ["moved", "removed", "replaced"])
def test_others_move_the_file(tmp_path: Path, before: str) -> None:
    """L2: a file that others move or remove is created again, and no line goes to the old one."""
    path, other = tmp_path / "x.log", tmp_path / "other.log"
    with opened(path) as file:
        file.write(b"one\n")
        path.rename(other)
        if before == "removed":
            other.unlink()
        elif before == "replaced":
            path.write_bytes(b"half")
        file.tick()
        file.write(b"two\n")

    assert path.read_bytes() == (b"half\ntwo\n" if before == "replaced" else b"two\n")
    if before != "removed":
        assert other.read_bytes() == b"one\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_others_rotate_the_file(tmp_path: Path) -> None:
    """A file that was moved is not rotated once more."""
    path = tmp_path / "x.log"
    with opened(path, 0, 5) as file:
        file.write(b"one\n")
        path.rename(tmp_path / "x.log.1")
        file.rotate()

    assert generations(path) == [b"one\n", b""]


def test_others_truncate_the_file(tmp_path: Path) -> None:
    """A file that was truncated, as `copytruncate` of logrotate does, counts from there."""
    path = tmp_path / "x.log"
    with opened(path, 100, 5) as file:
        file.write(lines(2, 40))
        os.truncate(path, 0)
        file.write(lines(2, 40, 2))

    assert generations(path) == [lines(2, 40, 2)]


@pytest.mark.parametrize(
    ("readers", "mode"), [(Readers(), 0o600), (Readers(other=True), 0o604)], ids=["owner", "other"]
)
def test_modes(tmp_path: Path, readers: Readers, mode: int) -> None:
    """All files have the configured mode, whatever the umask and their creator."""
    path, present = tmp_path / "x.log", tmp_path / "y.log"
    present.write_bytes(b"")
    present.chmod(0o666)
    before = os.umask(0)
    try:
        with opened(path, 0, 3, readers) as file:
            file.write(b"one\n")
            file.rotate()
        with opened(present, 0, 3, readers):
            pass
    finally:
        os.umask(before)

    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {mode}


def test_private_from_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file gets its mode before it has its name."""
    seen = []
    rename = Path.rename

    def look(source: Path, target: Path) -> Path:
        seen.append((source.name, stat.S_IMODE(source.stat().st_mode), source.stat().st_size))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", look)
    before = os.umask(0)
    try:
        with opened(tmp_path / "x.log", 0, 1) as file:
            file.write(b"one\n")
            file.rotate()
    finally:
        os.umask(before)

    new = (".x.log.new", 0o600, 0)
    assert seen == [new, ("x.log", 0o600, 4), new]


def test_rotation_that_fails(
    tmp_path: Path, requires_root: None, caplog: pytest.LogCaptureFixture
) -> None:
    """L1: where no new file can be made the present one grows on, and that is said once."""
    path = tmp_path / "x.log"
    with opened(path, 100, 3) as file:
        file.write(lines(1, 40))
        (tmp_path / ".x.log.new").mkdir()
        file.write(lines(5, 40, 1))
        file.write(lines(5, 40, 6))
        assert generations(path) == [lines(11, 40)]
        (tmp_path / ".x.log.new").rmdir()
        file.rotate()
        file.write(b"\n")

    assert generations(path) == [lines(11, 40), b"\n"]
    assert [record.message for record in caplog.records] == [
        f"{path}: cannot rotate, the file keeps growing: Is a directory"
    ]


def test_rotation_that_fails_in_its_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the new file cannot get its name the present one keeps it."""
    path = tmp_path / "x.log"
    rename = Path.rename

    def fail(source: Path, target: Path) -> Path:
        if source.name.endswith(".new"):
            raise PermissionError(1, "no")
        return rename(source, target)

    with opened(path, 0, 3) as file:
        file.write(b"one\n")
        monkeypatch.setattr(Path, "rename", fail)
        file.rotate()
        file.write(b"two\n")

    assert generations(path) == [b"one\ntwo\n"]


def test_moved_and_nowhere_to_go(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file whose directory has gone is written on, which is said."""
    directory = tmp_path / "d"
    directory.mkdir()
    with opened(directory / "x.log") as file:
        directory.rename(tmp_path / "e")
        file.write(b"one\n")
        file.tick()
        file.rotate()
        file.write(b"two\n")

    assert (tmp_path / "e" / "x.log").read_bytes() == b"one\ntwo\n"
    assert "cannot create a new file" in caplog.text


@pytest.mark.parametrize("fsync", ["checkpoint", "rotation", "never"])
def test_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: Fsync) -> None:
    """Files are brought to the disk as configured."""
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    file = LogFile(Target(str(tmp_path / "x"), 0, 1, Readers(), fsync), policy("x"))
    file.open()
    file.write(b"x\n")
    counts = []
    for action in (file.sync, file.rotate, file.close):
        action()
        counts.append(len(calls))
        calls.clear()

    expected = {"checkpoint": [1, 1, 1], "rotation": [0, 1, 1], "never": [0, 0, 0]}
    assert counts == expected[fsync]


def test_fsync_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that fails then is a message, once a minute."""

    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    file = LogFile(Target(str(tmp_path / "x"), fsync="checkpoint"), StallPolicy("x"))
    file.open()
    file.sync()
    file.sync()
    file.close()

    assert caplog.messages == ["x: fsync failed: Input/output error"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("/dev/null"), "is a symbolic link"),
        (lambda path: path.symlink_to("missing"), "is a symbolic link"),
        (lambda path: path.mkdir(), "Is a directory"),
    ],
    ids=["link", "loose", "directory"],
)
def test_what_is_no_file(tmp_path: Path, make: object, reason: str) -> None:
    """Symbolic links are not followed, and what is no file is refused."""
    assert callable(make)
    path = tmp_path / "x"
    make(path)
    file = LogFile(Target(str(path)), policy(path))
    with pytest.raises(OutputError, match=f"x: cannot be written: {reason}"):
        file.open()

"""A disk that fills up, and has room again."""

import contextlib
import errno
import os
from itertools import pairwise
from pathlib import Path

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs.file import LogFile
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.target import Target
from tests.support.outputs import EnoughError, Waiting, lines, policy, small_disk

TEXT = lines(5000, 50)


def fill(path: Path) -> None:
    """Take all room that is left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def log_file(path: Path, size: int = 0, waiting: Waiting | None = None) -> LogFile:
    """An open file."""
    file = LogFile(Target(str(path), size, 100), policy(path, waiting))
    file.open()
    return file


def test_waits_for_room(tmp_path: Path, requires_root: None) -> None:
    """L1: a full disk holds lines back; what was torn is completed when there is room again."""
    with small_disk(tmp_path / "disk") as disk:
        fill(disk / "ballast")
        waiting = Waiting()
        waiting.then = (disk / "ballast").unlink
        file = log_file(disk / "x.log", 0, waiting)
        sizes: list[int] = []
        file.write(TEXT, sizes.append)
        file.close()

        assert (disk / "x.log").read_bytes() == TEXT
        assert set(waiting.reasons) == {f"{disk}/x.log: No space left on device"}
        assert sizes[-1] == len(TEXT)


def test_rotation_on_a_full_disk(tmp_path: Path, requires_root: None) -> None:
    """Rotation on a full disk neither loses nor doubles a line."""
    with small_disk(tmp_path / "disk") as disk:
        fill(disk / "ballast")
        waiting = Waiting()
        waiting.then = (disk / "ballast").unlink
        file = log_file(disk / "x.log", 4096, waiting)
        file.write(TEXT)
        file.close()
        (disk / ".x.log.new").unlink(missing_ok=True)
        files = sorted(disk.glob("x.log.*"), key=lambda path: -int(path.suffix[1:]))

        assert b"".join(path.read_bytes() for path in (*files, disk / "x.log")) == TEXT


def test_who_removes_the_file_gets_a_new_one(tmp_path: Path, requires_root: None) -> None:
    """L1: the full log itself may be removed to make room; the new one begins with a whole line."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "x.log"
        waiting = Waiting()
        waiting.then = path.unlink
        file = log_file(path, 0, waiting)
        text = lines(8000, 47)
        sizes: list[int] = []
        file.write(text, sizes.append)
        file.close()
        found = path.read_bytes()

        assert text.endswith(found)
        assert found[:8].isdigit()
        assert any(later < size for size, later in pairwise(sizes))


def test_giving_up(tmp_path: Path, requires_root: None) -> None:
    """After giving up, the number of written bytes is known."""
    with small_disk(tmp_path / "disk") as disk:
        waiting = Waiting()
        waiting.then = waiting.give_up
        file = log_file(disk / "x.log", 0, waiting)
        sizes: list[int] = []
        with pytest.raises(EnoughError):
            file.write(lines(8000, 47), sizes.append)
        file.close()

        assert (disk / "x.log").stat().st_size == sizes[-1]


def test_no_room_to_end_a_line(tmp_path: Path, requires_root: None) -> None:
    """L19: also the line feed behind half a line waits for room."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "x.log"
        path.write_bytes(b"x" * 4096)
        fill(disk / "ballast")
        waiting = Waiting()
        waiting.then = (disk / "ballast").unlink
        file = log_file(path, 0, waiting)
        file.resume()
        file.close()

        assert path.read_bytes() == b"x" * 4096 + b"\n"
        assert waiting.reasons


def test_impatience(tmp_path: Path, requires_root: None) -> None:
    """Without patience a full disk is an error."""
    with small_disk(tmp_path / "disk") as disk:
        fill(disk / "ballast")
        file = LogFile(Target(str(disk / "x.log")), StallPolicy("x.log"))
        file.open()
        with pytest.raises(OutputError, match=f"x.log: .*: {os.strerror(errno.ENOSPC)}"):
            file.write(TEXT)
        file.close()

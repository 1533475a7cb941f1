"""Copies that do not block the pipeline."""

import logging
import os
from pathlib import Path

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs.copy import Copy, CopyHandler
from laurel_mp.outputs.target import Target
from tests.outputs.test_full_disk import fill
from tests.support.outputs import lines, small_disk


def test_rotates(tmp_path: Path) -> None:
    """A copy is a file as others."""
    copy = Copy.open(Target(str(tmp_path / "x"), 100, 3))
    copy.write(lines(3, 40))
    copy.rotate()
    copy.write(lines(1, 40, 3))
    copy.tick()
    copy.close()

    assert (tmp_path / "x.2").read_bytes() == lines(2, 40)
    assert (tmp_path / "x.1").read_bytes() == lines(1, 40, 2)
    assert (tmp_path / "x").read_bytes() == lines(1, 40, 3)


def test_hole(tmp_path: Path, requires_root: None, caplog: pytest.LogCaptureFixture) -> None:
    """A full disk loses whole lines, except the last, and the log says so."""
    with small_disk(tmp_path / "disk") as disk:
        fill(disk / "ballast")
        os.truncate(disk / "ballast", (disk / "ballast").stat().st_size - 4096)
        copy = Copy.open(Target(str(disk / "x")))
        for number in range(50):
            copy.write(lines(10, 40, 10 * number))
        (disk / "ballast").unlink()
        for number in range(50, 60):
            copy.write(lines(10, 40, 10 * number))
        copy.close()
        found = (disk / "x").read_bytes()

        assert found.endswith(lines(100, 40, 500))
        assert found.startswith(lines(100, 40))
        torn = [line for line in found.splitlines() if len(line) != 39]
        assert len(torn) == 1
        assert caplog.messages == [
            (
                f"{disk}/x: cannot be written: No space left on device: "
                "lines are missing from this copy"
            )
        ]


def test_half_a_line_and_no_room(
    tmp_path: Path, requires_root: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy can be opened, and followed, on a disk without room."""
    with small_disk(tmp_path / "disk") as disk:
        (disk / "x").write_bytes(b"x" * 4096)
        (disk / "y").write_bytes(b"x" * 4096)
        fill(disk / "ballast")
        copy = Copy.open(Target(str(disk / "x")))
        copy.write(b"one\n")
        (disk / "y").rename(disk / "x")
        copy.tick()
        (disk / "ballast").unlink()
        copy.write(b"two\n")
        copy.close()

        assert (disk / "x").read_bytes() == b"x" * 4096 + b"\ntwo\n"
        assert len(caplog.messages) == 1


@pytest.mark.parametrize("name", ["-", "| cat", "unix:/x"])
def test_files_only(name: str) -> None:
    """A file whose opening or writing can block is refused."""
    with pytest.raises(OutputError, match="a copy can only go to a file"):
        Copy.open(Target(name))


def test_named_pipes_are_refused(tmp_path: Path) -> None:
    """So is a named pipe."""
    os.mkfifo(tmp_path / "x")
    with pytest.raises(OutputError, match="x: cannot be written"):
        Copy.open(Target(str(tmp_path / "x")))


def test_messages_of_ours(
    tmp_path: Path, requires_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log messages go to a file, a line each; trouble with the file does not come back to it."""
    logger = logging.getLogger("test_messages_of_ours")
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "x"
        handler = CopyHandler(Copy.open(Target(str(path))))
        # Alone: no other handler is to keep the surrogate, which reports of tests cannot hold.
        monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
        try:
            logger.warning("one\n%s", "two \udc80 ä")
            path.rename(disk / "x.1")  # as by another process that logs to it
            logger.warning("three")
            fill(disk / "ballast")
            logger.warning("x" * 5000)
        finally:
            handler.close()

        assert (disk / "x.1").read_bytes() == "one two \\udc80 ä\n".encode()
        assert path.read_bytes().startswith(b"three\nxxx")

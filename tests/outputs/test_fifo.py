"""Named pipes, and readers that come and go."""

import os
import threading
from pathlib import Path

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs.fifo import Fifo
from tests.support.outputs import EnoughError, Waiting, lines, policy

TEXT = lines(5000, 200)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A named pipe."""
    os.mkfifo(tmp_path / "fifo", 0o600)
    return tmp_path / "fifo"


def read(path: Path, size: int) -> bytes:
    """Read a certain number of bytes, and go."""
    data = b""
    with path.open("rb", buffering=0) as file:
        while len(data) < size:
            data += file.read(min(size - len(data), 5000))
    return data


def test_readers_come_and_go(path: Path) -> None:
    """A reader gets what the one before left; no byte is lost or comes twice."""
    fifo = Fifo.open(str(path), policy(path))
    received: list[bytes] = []

    def read_in_turn() -> None:
        received.extend(read(path, size) for size in (1, 999, 300_001, len(TEXT) - 301_001))

    reader = threading.Thread(target=read_in_turn)
    reader.start()
    sizes: list[int] = []
    fifo.write(TEXT, sizes.append)
    reader.join()
    fifo.close()

    assert b"".join(received) == TEXT
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(TEXT)
    assert all(size % 200 == 0 for size in sizes)


def test_reader_that_pauses(path: Path) -> None:
    """It stalls without a reader, and resumes with one."""
    waiting = Waiting()
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(read(path, len(TEXT))))
    waiting.then = reader.start
    fifo = Fifo.open(str(path), policy(path, waiting))
    fifo.write(TEXT)
    reader.join()
    fifo.close()

    assert received == [TEXT]
    assert waiting.reasons[:2] == [f"{path}: no reader, or a slow one"] * 2


def test_nobody_ever_reads(path: Path) -> None:
    """Lines without a reader do not count as written, even if they have room."""
    waiting = Waiting()
    waiting.then = waiting.give_up
    fifo = Fifo.open(str(path), policy(path, waiting))
    sizes: list[int] = []
    with pytest.raises(EnoughError):
        fifo.write(b"x\n", sizes.append)
    fifo.close()

    assert sizes == []


def test_what_another_writer_left(path: Path) -> None:
    """Bytes of another writer that are still in the pipe do not count as ours."""
    former = os.open(path, os.O_RDWR)
    os.write(former, b"half a li")
    fifo = Fifo.open(str(path), policy(path))
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(read(path, 9 + 1 + 4)))
    reader.start()
    assert fifo.resume(b"two\n") == 0
    fifo.write(b"two\n")
    reader.join()
    fifo.close()
    os.close(former)

    assert received == [b"half a li\ntwo\n"]


def test_no_pipe(tmp_path: Path) -> None:
    """A path that is no FIFO, or does not exist, is an error."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file: cannot be written: no longer a named pipe"):
        Fifo.open(str(tmp_path / "file"), policy("x"))
    with pytest.raises(OutputError, match="none: cannot be written: No such file"):
        Fifo.open(str(tmp_path / "none"), policy("x"))

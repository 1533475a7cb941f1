"""The reading thread: everything, in order, within bounds."""

import fcntl
import os
import select
import socket
from collections.abc import Iterator

import pytest

from laurel_mp.pipeline.reader import Reader
from tests.support.waiting import wait_until


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe; the test closes its end for writing."""
    read, write = os.pipe()
    yield read, write
    os.close(read)


def take_all(reader: Reader, most: int = 1000) -> bytes:
    """Take what comes until the input has ended."""
    taken = b""
    while not reader.ended:
        assert select.select([reader], [], [], 10)[0], "it wakes whoever waits"
        taken += reader.take(most)
    return taken


def test_everything_in_order(pipe: tuple[int, int]) -> None:
    """All that is written is taken, in order."""
    read, write = pipe
    reader = Reader(read, 1 << 20)
    reader.start()
    expected = b""
    for number in range(200):
        data = b"%d\n" % number
        os.write(write, data)
        expected += data
    os.close(write)

    assert expected == take_all(reader)
    assert reader.size == 0
    assert reader.error is None


def test_bounded(pipe: tuple[int, int]) -> None:
    """It reads no more than its limit and one read; what waits is in the pipe."""
    read, write = pipe
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, False)
    reader = Reader(read, 8192)
    reader.start()

    def is_full() -> bool:
        try:
            os.write(write, b"x" * 4096)
        except BlockingIOError:
            return reader.size >= 8192
        return False

    wait_until(is_full, "the buffer is full")
    assert 8192 <= reader.size <= 8192 + 4096
    os.close(write)
    while not reader.ended:
        reader.take(100)


def test_take_some(pipe: tuple[int, int]) -> None:
    """Not much more is taken than was asked for; the rest stays."""
    read, write = pipe
    reader = Reader(read, 1 << 20)
    reader.start()
    for size in range(10):
        os.write(write, b"y" * 100)
        wait_until(lambda size=size: reader.size == 100 * (size + 1), "it is read")  # type: ignore[misc]

    assert len(reader.take(250)) == 300
    assert reader.size == 700
    os.close(write)
    assert take_all(reader) == b"y" * 700


def test_nothing(pipe: tuple[int, int]) -> None:
    """Where nothing was read nothing is taken, and nobody is woken."""
    read, write = pipe
    reader = Reader(read, 1 << 20)
    reader.start()

    assert reader.take(100) == b""
    assert not select.select([reader], [], [], 0)[0]
    assert not reader.ended
    os.close(write)
    assert take_all(reader) == b""


def test_error() -> None:
    """A descriptor that can not be read ends the input, with the reason."""
    directory = os.open("/", os.O_RDONLY)
    reader = Reader(directory, 1 << 20)
    reader.start()

    assert take_all(reader) == b""
    assert isinstance(reader.error, IsADirectoryError)
    os.close(directory)


def test_does_not_wait() -> None:
    """A descriptor that somebody has made non-blocking is read to its end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    reader = Reader(theirs.fileno(), 1 << 20)
    reader.start()
    ours.sendall(b"a")
    wait_until(lambda: reader.size == 1, "it is read")
    ours.sendall(b"b")
    ours.close()

    assert take_all(reader) == b"ab"
    theirs.close()

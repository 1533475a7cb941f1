"""Servers that take lines, go and come back."""

import os
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs.stall_policy import Backoff, StallPolicy
from laurel_mp.outputs.unix_socket import UnixSocket
from tests.support.outputs import EnoughError, Waiting, lines, policy
from tests.support.waiting import wait_until

TEXT = lines(5000, 200)


@contextmanager
def connected(path: Path, waiting: Waiting | None = None) -> Iterator[UnixSocket]:
    """An output that tries again soon."""
    output = UnixSocket(str(path), policy(f"unix:{path}", waiting), Backoff(0.001, 0.01))
    try:
        yield output
    finally:
        output.close()


class Server:
    """Reads a certain number of bytes from each connection, and ends it."""

    def __init__(self, path: Path, sizes: list[int]) -> None:
        self.received: list[bytes] = []
        self.path = path
        self._sizes = sizes
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Listen, in a thread."""
        self._thread.start()
        wait_until(self.path.exists, "the server listens")

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self) -> None:
        for size in self._sizes:
            self.path.unlink(missing_ok=True)
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(self.path))
                listener.listen()
                connection, _ = listener.accept()
                self.received.append(b"")
                with connection:
                    while size < 0 or len(self.received[-1]) < size:
                        most = 4096 if size < 0 else min(4096, size - len(self.received[-1]))
                        if not (data := connection.recv(most)):
                            break
                        self.received[-1] += data


def whole_lines(pieces: list[bytes]) -> bytes:
    """Whole lines of a server's connections; half a line at the end of one is dropped."""
    return b"".join(piece[: piece.rfind(b"\n") + 1] for piece in pieces)


def test_all_is_read(tmp_path: Path) -> None:
    """Lines go to the server, and count when it has read them."""
    sizes: list[int] = []
    with Server(tmp_path / "socket", [-1]) as server, connected(server.path) as output:
        output.write(TEXT, sizes.append)
        assert server.received == [TEXT]

    assert sizes[-1] == len(TEXT)


@pytest.mark.parametrize("seed", range(5))
def test_server_that_restarts(tmp_path: Path, seed: int) -> None:
    """L9: every connection begins with a whole line; lines may come twice, but all come."""
    rng = random.Random(seed)
    sizes = [rng.randrange(1, 100_000) for _ in range(20)]
    with Server(tmp_path / "socket", [*sizes, -1]) as server, connected(server.path) as output:
        for number in range(10):
            output.write(lines(500, 200, 500 * number))

    assert all(piece[:8].isdigit() for piece in server.received if len(piece) >= 8)
    found = whole_lines(server.received).splitlines()
    assert list(dict.fromkeys(found)) == TEXT.splitlines()


def test_clean_restart(tmp_path: Path) -> None:
    """L9: after a server that had read everything nothing comes twice."""
    with Server(tmp_path / "socket", [2000, 2000, -1]) as server, connected(server.path) as output:
        for number in range(5):
            output.write(lines(10, 200, 10 * number))

    assert b"".join(server.received) == lines(50, 200)
    assert [len(piece) for piece in server.received] == [2000, 2000, 6000]


def test_half_a_line_comes_again(tmp_path: Path) -> None:
    """L9: the rest of a line never goes to another connection."""
    with Server(tmp_path / "socket", [300, -1]) as server, connected(server.path) as output:
        output.write(lines(2, 200))

    assert server.received[0] == lines(2, 200)[:300]
    assert server.received[1] in (lines(1, 200, 1), lines(2, 200))


def test_no_server_yet(tmp_path: Path) -> None:
    """L9: a server that is not there is waited for, which is told."""
    path = tmp_path / "socket"
    waiting = Waiting()
    server = Server(path, [-1])
    waiting.then = server.start
    with connected(path, waiting) as output:
        output.write(TEXT)
    server.__exit__()

    assert server.received == [TEXT]
    assert waiting.reasons[0] == f"unix:{path}: cannot connect: No such file or directory"


@pytest.mark.parametrize("accepts", [True, False])
def test_server_that_does_not_read(tmp_path: Path, accepts: bool) -> None:
    """A server that does not read stalls; its unread lines go to the next one."""
    path = tmp_path / "socket"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    waiting = Waiting()
    server = Server(path, [-1])

    def restart() -> None:
        if accepts:
            listener.accept()[0].close()
        listener.close()
        path.unlink()
        server.start()

    waiting.then = restart
    sizes: list[int] = []
    with connected(path, waiting) as output:
        output.write(TEXT, sizes.append)
    server.__exit__()

    assert server.received == [TEXT]
    assert waiting.reasons[:2] == [f"unix:{path}: the server reads slowly"] * 2


def test_reader_that_half_closes(tmp_path: Path) -> None:
    """A server that shuts its side of reading down has gone, too."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener, connected(path) as output:
        listener.bind(str(path))
        listener.listen()
        output._connect()
        first, _ = listener.accept()
        first.shutdown(socket.SHUT_RD)
        thread = threading.Thread(target=output.write, args=(b"one\n",))
        thread.start()
        second, _ = listener.accept()
        assert second.recv(100) == b"one\n"
        thread.join()
        first.close()
        second.close()


def test_idle_connection_that_ends(tmp_path: Path) -> None:
    """A connection that ends while idle is let go, and the next write makes another."""
    path = tmp_path / "socket"
    with Server(path, [200, -1]) as server, connected(path) as output:
        output.write(lines(1, 200))
        wait_until(lambda: output._socket is None or output._is_gone(), "it has ended")
        output.tick()
        assert output._socket is None
        output.tick()
        output.write(lines(1, 200, 1))

    assert server.received == [lines(1, 200), lines(1, 200, 1)]


def test_giving_up(tmp_path: Path) -> None:
    """The wait for a server can be given up."""
    waiting = Waiting()
    waiting.then = waiting.give_up
    with connected(tmp_path / "socket", waiting) as output, pytest.raises(EnoughError):
        output.write(TEXT)


def test_impatience(tmp_path: Path) -> None:
    """Without patience it is an error if there is no server."""
    output = UnixSocket(str(tmp_path / "socket"), StallPolicy("unix"), Backoff())
    with pytest.raises(OutputError, match="unix: cannot be written: cannot connect: No such"):
        output.write(TEXT)
    output.close()


def test_no_descriptors_left(tmp_path: Path) -> None:
    """Attempts that fail leave nothing open."""
    waiting = Waiting()
    waiting.then = waiting.give_up
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    with connected(tmp_path / "socket", waiting) as output, pytest.raises(EnoughError):
        output.write(TEXT)

    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208

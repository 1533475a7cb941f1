"""Inputs: standard input up to its end, and a socket that is connected to again and again."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.inputs import DescriptorInput, SocketInput, open_input
from laurel_mp.pipeline.intake.reader import Reader
from tests.support.waiting import wait_until


class Server:
    """A Unix socket that clients connect to, as auditd's af_unix plugin has it."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(10)
        self._socket.bind(str(path))
        self._socket.listen(5)

    def accept(self) -> socket.socket:
        """The next client's connection."""
        return self._socket.accept()[0]

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


class Reading:
    """A reader of a socket, and what it has read."""

    def __init__(self, path: Path) -> None:
        self.backlog = Backlog(1 << 20)
        self.backlog.open()
        self.reader = Reader(SocketInput(str(path)), self.backlog)
        self.reader.start()

    def wait_for(self, size: int) -> None:
        """Wait until so many bytes were read and not taken."""
        wait_until(lambda: self.backlog.size >= size, f"{size} bytes are read")

    def wait_for_end(self) -> None:
        """Wait until the reader has ended."""
        wait_until(lambda: self.backlog._ended, "the input has ended")

    def take(self) -> bytes:
        """All that was read."""
        taken = b""
        while (piece := self.backlog.take(1 << 20)) is not None:
            taken += piece.data
        return taken

    def close(self) -> None:
        """End it."""
        self.reader.close()
        self.backlog.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Path for a server's socket."""
    return tmp_path / "audispd_events"


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    """A server that listens from the beginning."""
    found = Server(path)
    yield found
    found.close()


@pytest.fixture
def reading(path: Path, server: Server) -> Iterator[Reading]:
    """A reader of that server."""
    found = Reading(path)
    yield found
    found.close()


def in_background(work: Callable[[], object]) -> threading.Thread:
    """A thread that does it."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_open_input() -> None:
    """The setting `input` names one."""
    standard, unix = open_input("stdin"), open_input("unix:/run/audispd_events")

    assert isinstance(standard, DescriptorInput)
    assert standard.name == "standard input"
    assert isinstance(unix, SocketInput)
    assert unix.name == "unix:/run/audispd_events"
    standard.close()
    unix.close()


def test_short_reads_are_not_the_end() -> None:
    """A descriptor is read up to the end of file, however little a read brings."""
    ours, theirs = socket.socketpair()
    source = DescriptorInput(theirs.fileno(), "a socket")
    ours.send(b"a")
    assert source.read() == b"a"
    ours.send(b"b")
    ours.close()
    assert source.read() == b"b"
    assert source.read() == b""
    theirs.close()
    source.close()


@pytest.mark.parametrize("blocking", [True, False])
def test_descriptor_stays_as_it_is(blocking: bool) -> None:
    """Others may share the descriptor: it stays blocking if it was, and non-blocking if it was."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(blocking)
    source = DescriptorInput(theirs.fileno(), "a socket")
    thread = in_background(lambda: ours.send(b"late"))
    assert source.read() == b"late"
    assert os.get_blocking(theirs.fileno()) == blocking
    thread.join()
    source.interrupt()
    source.close()
    os.fstat(theirs.fileno())
    ours.close()
    theirs.close()


def test_interrupt_wakes() -> None:
    """A read that waits for a descriptor ends at once when it is told to."""
    read, write = os.pipe()
    source = DescriptorInput(read, "a pipe")
    thread = in_background(source.read)
    source.interrupt()
    thread.join(10)

    assert not thread.is_alive()
    source.close()
    source.stop()
    source.interrupt()
    os.close(read)
    os.close(write)


def test_socket(reading: Reading, server: Server) -> None:
    """Input from a server is read."""
    connection = server.accept()
    connection.sendall(b"one\ntwo\n")
    reading.wait_for(8)

    assert reading.take() == b"one\ntwo\n"
    assert not reading.backlog.ended
    connection.close()


def test_server_restarts(reading: Reading, server: Server, path: Path) -> None:
    """The end of a connection is not the end of the input: what the next server sends follows."""
    connection = server.accept()
    connection.sendall(b"one\n")
    server.close()
    connection.close()
    later = Server(path)
    connection = later.accept()
    connection.sendall(b"two\n")
    reading.wait_for(8)

    assert reading.take() == b"one\ntwo\n"
    connection.close()
    later.close()


def test_unfinished_line(reading: Reading, server: Server) -> None:
    """A line that a connection leaves unfinished does not swallow the first one of the next."""
    for text in (b"one\ntw", b"", b"three\n", b"", b"four\n"):
        connection = server.accept()
        connection.sendall(text)
        connection.close()
    reading.wait_for(18)

    assert reading.take() == b"one\ntw\nthree\nfour\n"


def test_reset(reading: Reading, server: Server) -> None:
    """A connection that breaks is like one that ends."""
    connection = server.accept()
    connection.sendall(b"one")
    reading.wait_for(3)
    connection.close()
    connection = server.accept()
    connection.sendall(b"two\n")
    reading.wait_for(8)

    assert reading.take() == b"one\ntwo\n"
    connection.close()


def test_server_starts_later(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener it tries again; one message says so, and one says when it is connected."""
    caplog.set_level("INFO")
    reading = Reading(path)
    wait_until(lambda: "cannot connect: No such file" in caplog.text, "it is said")
    time_of_first_attempts = time.monotonic() + 0.5
    wait_until(lambda: time.monotonic() > time_of_first_attempts, "it tries more than once")
    server = Server(path)
    connection = server.accept()
    connection.sendall(b"one\n")
    reading.wait_for(4)

    assert caplog.text.count("cannot connect") == 1
    assert f"unix:{path}: connected" in caplog.text
    connection.close()
    reading.close()
    server.close()


def test_pauses_grow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between attempts it waits longer and longer, up to five seconds, until data has come."""
    source = SocketInput(str(path))
    pauses = []
    monkeypatch.setattr(source._bell, "wait", lambda _, seconds: pauses.append(seconds))
    for _ in range(10):
        source._connect()

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    monkeypatch.undo()
    server = Server(path)
    source._pause = 0.01
    accepted: list[socket.socket] = []

    def serve() -> None:
        accepted.append(server.accept())
        accepted[0].sendall(b"x\n")

    thread = in_background(serve)
    assert source.read() == b"x\n"
    assert source._pause == 0
    thread.join()
    accepted[0].close()
    server.close()
    source.close()


def test_server_that_closes_at_once(reading: Reading, server: Server) -> None:
    """A server that takes connections and says nothing is not asked again and again."""
    for _ in range(4):
        server.accept().close()

    assert isinstance(reading.reader._source, SocketInput)
    wait_until(lambda: reading.reader._source._pause >= 0.8, "it slows down")  # type: ignore[attr-defined]


def test_stop_reads_what_is_there(reading: Reading, server: Server) -> None:
    """Told to stop, it reads what was sent before, ends a line, and ends."""
    connection = server.accept()
    connection.sendall(b"x" * 100_000)
    reading.reader.stop()
    reading.wait_for_end()

    assert reading.take() == b"x" * 100_000 + b"\n"
    assert reading.backlog.ended
    assert reading.backlog.error is None
    connection.close()


def test_stop_while_nothing_comes(reading: Reading, server: Server) -> None:
    """Told to stop while it waits for a server to say something, it ends."""
    connection = server.accept()
    connection.sendall(b"one\n")
    reading.wait_for(4)
    reading.reader.stop()
    reading.wait_for_end()

    assert reading.take() == b"one\n"
    connection.close()


def test_stop_without_a_listener(path: Path) -> None:
    """Told to stop while it waits to try again, it ends."""
    reading = Reading(path)
    reading.reader.stop()
    reading.wait_for_end()

    assert reading.backlog.ended
    reading.close()


def test_close_without_a_listener(path: Path) -> None:
    """Closing ends the thread, whatever it waits for."""
    reading = Reading(path)
    reading.reader.close()

    assert not reading.reader._thread.is_alive()
    reading.backlog.close()

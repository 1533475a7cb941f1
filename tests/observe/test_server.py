"""Answers to connections: to anybody, whatever they do, and never at the price of waiting."""

import resource
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from laurel_mp.observe import server as server_module
from laurel_mp.observe.http import answering
from laurel_mp.observe.server import MOST, RATE, Server
from tests.support.clock import Clock

LARGE = b"x" * (8 << 20)
"""More than any socket takes at once."""


class Served:
    """A server, and those who connect to it."""

    def __init__(self, path: Path, answer: Callable[[bytes], bytes | None]) -> None:
        self.path = str(path)
        self.clock = Clock()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        self.server = Server(listener, answer, lambda: self.clock.now)
        self.clients: list[socket.socket] = []

    def connect(self, data: bytes = b"") -> socket.socket:
        """A client that has sent something."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(self.path)
        client.sendall(data)
        self.clients.append(client)
        return client

    def close(self) -> None:
        """End all of it."""
        for client in self.clients:
            client.close()
        self.server.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Callable[[bytes], bytes | None]], Served]]:
    """Make servers."""
    made: list[Served] = []

    def make(answer: Callable[[bytes], bytes | None]) -> Served:
        made.append(Served(tmp_path / f"socket-{len(made)}", answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


Make = Callable[[Callable[[bytes], bytes | None]], Served]


def rest_of(client: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    found = b""
    while data := client.recv(1 << 20):
        found += data
    return found


def test_answers_without_a_question(serve: Make) -> None:
    """A client gets the whole answer, and the connection ends; its input is ignored."""
    served = serve(lambda _: b"how it goes\n")
    plain, talking = served.connect(), served.connect(b"\0garbage" * 100)
    served.server.step()

    assert rest_of(plain) == b"how it goes\n"
    assert talking.recv(100) == b"how it goes\n"
    assert served.server.answered == 2
    assert served.server.next_due() is None


def test_who_reads_slowly(serve: Make) -> None:
    """The rest of an answer is sent when the socket has room, without waiting."""
    served = serve(lambda _: LARGE)
    client = served.connect()
    served.server.step()
    client.settimeout(0.01)
    found = b""
    while len(found) < len(LARGE):
        try:
            found += client.recv(1 << 20)
        except TimeoutError:
            served.server.step()

    served.server.step()
    assert found == LARGE
    assert rest_of(client) == b""
    assert (served.server.answered, served.server.dropped) == (1, 0)


def test_who_does_not_read(serve: Make) -> None:
    """It is given up after a while; meanwhile others get their answer at once."""
    served = serve(lambda _: LARGE if served.clients[-1] is silent else b"ok")
    silent = served.connect()
    began = time.monotonic()
    served.server.step()
    other = served.connect()
    served.server.step()

    assert time.monotonic() - began < 1
    assert rest_of(other) == b"ok"
    assert served.server.next_due() == pytest.approx(server_module.PATIENCE, abs=0.01)
    served.clock.now += server_module.PATIENCE
    served.server.step()
    assert served.server.dropped == 1
    assert len(rest_of(silent)) < len(LARGE)


def test_who_goes(serve: Make) -> None:
    """A client may leave before the answer, or in the middle of it."""
    served = serve(lambda _: LARGE)
    served.connect().close()
    in_the_middle = served.connect()
    served.server.step()
    in_the_middle.close()
    served.server.step()

    assert served.server.answered == 0
    assert served.server.next_due() is None


def test_so_many_at_once(serve: Make) -> None:
    """More than so many connections are not taken; they wait until one of those ends."""
    served = serve(lambda request: b"ok" if request else None)
    clients = [served.connect() for _ in range(MOST)]
    served.server.step()
    late = served.connect(b"?")
    served.server.step()
    late.settimeout(0.05)

    with pytest.raises(TimeoutError):
        late.recv(10)
    clients[0].sendall(b"?")
    served.server.step()
    served.server.step()
    assert rest_of(late) == b"ok"


def test_so_many_a_second(serve: Make) -> None:
    """A client that connects again and again is slowed down, at no cost."""
    served = serve(lambda _: b"ok")
    for _ in range(int(RATE)):
        served.connect()
        served.server.step()
    late = served.connect()
    served.server.step()

    assert served.server.answered == RATE
    assert served.server.next_due() == pytest.approx(1 / RATE, abs=0.01)
    served.clock.now += 2 / RATE
    served.server.step()
    served.server.step()
    assert rest_of(late) == b"ok"


def test_a_thousand(serve: Make) -> None:
    """A thousand who want in at once: none is lost who waits, and no step takes long."""
    served = serve(lambda _: b"ok")
    waiting = []
    for _ in range(1000):
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        served.clients.append(client)
        if client.connect_ex(served.path) == 0:
            waiting.append(client)
        began = time.monotonic()
        served.server.step()
        assert time.monotonic() - began < 1

    for client in waiting:
        client.settimeout(0.001)
        while True:
            served.clock.now += 1
            served.server.step()
            try:
                assert client.recv(10) == b"ok"
                break
            except TimeoutError:
                continue
    assert served.server.answered == len(waiting) >= RATE


def test_no_descriptors_left(serve: Make) -> None:
    """Without descriptors for a connection, accepting is not retried in a busy loop."""
    served = serve(lambda _: b"ok")
    client = served.connect()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
    try:
        served.server.step()
        due = served.server.next_due()
        readable = select.select([served.server], [], [], 0)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    served.clock.now += 1
    served.server.step()
    served.server.step()

    assert due is not None
    assert not readable
    assert rest_of(client) == b"ok"


# --- HTTP


@pytest.fixture
def http(serve: Make) -> Served:
    """A server of metrics."""
    return serve(answering(lambda: b"a 1\n", "text/plain; version=0.0.4"))


def asked(served: Served, *parts: bytes) -> bytes:
    """Answer to these parts of a request, sent one by one."""
    client = served.connect()
    for part in parts:
        served.server.step()
        client.sendall(part)
    served.server.step()
    return rest_of(client)


def test_metrics(http: Served) -> None:
    """A GET gets them, however it comes in pieces."""
    expected = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 4\r\n"
        b"Connection: close\r\n\r\na 1\n"
    )

    assert asked(http, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") == expected
    assert asked(http, b"GET /metr", b"ics?a HTTP/1.0\r\n", b"\r", b"\n") == expected
    assert asked(http, b"HEAD /metrics HTTP/1.1\r\n\r\n") == expected[:-4]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"\x16\x03\x01\0\xff GET SPDY/3\r\n\r\n", b"400"),
    ],
)
def test_other_requests(http: Served, request_: bytes, status: bytes) -> None:
    """Other requests get an error status."""
    assert asked(http, request_).startswith(b"HTTP/1.1 " + status)


def test_endless_request(http: Served) -> None:
    """A request without an end is given up."""
    client = http.connect()
    http.server.step()
    for _ in range(3):
        client.sendall(b"x" * 4096)
        http.server.step()
        http.server.step()

    assert http.server.dropped == 1
    with pytest.raises(OSError, match=r"reset|pipe"):
        client.sendall(b"x")


def test_half_a_request(http: Served) -> None:
    """A client that ends, or goes silent, in the middle of its request gets nothing."""
    half, silent = http.connect(b"GET"), http.connect(b"GET")
    half.shutdown(socket.SHUT_WR)
    http.server.step()
    http.clock.now += server_module.PATIENCE
    http.server.step()

    assert rest_of(half) == rest_of(silent) == b""
    assert http.server.dropped == 2

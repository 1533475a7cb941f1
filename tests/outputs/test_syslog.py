"""RFC 5424 messages: framing, cutting, and servers that go and come back."""

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from laurel_mp.outputs.stall_policy import Backoff
from laurel_mp.outputs.syslog import DRIVER, DatagramSink, TcpSink, parse
from tests.support.outputs import policy
from tests.support.waiting import wait_until

HEADER = re.compile(
    rb"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) ([!-~]{1,48}) - - - "
)


def events(count: int, first: int = 0, width: int = 200) -> bytes:
    """Events that can be told apart."""
    return b"".join(
        b'{"ID":"1700000000.123:%d","NODE":"web-1","SYSCALL":{"x":"%b"}}\n' % (number, b"y" * width)
        for number in range(first, first + count)
    )


def unframed(data: bytes) -> list[bytes]:
    """Reads octet counting strictly; what is left at the end must be part of a frame."""
    found = []
    while data:
        match = re.match(rb"([1-9][0-9]*) ", data)
        if match is None or len(data) < match.end() + int(match[1]):
            assert re.match(rb"[1-9][0-9]*( <|$)", data), data[:80]
            break
        end = match.end() + int(match[1])
        found.append(data[match.end() : end])
        data = data[end:]
    return found


def bodies(messages: list[bytes]) -> list[bytes]:
    """Messages without their headers, which must be valid."""
    found = []
    for message in messages:
        match = HEADER.match(message)
        assert match, message[:100]
        found.append(message[match.end() :])
    return found


class TcpServer:
    """Reads some bytes from each connection and ends it, in order or by a reset."""

    def __init__(self, sizes: list[int]) -> None:
        self.received: list[bytes] = []
        self._sizes = sizes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> None:
        """Returns when all connections have ended."""
        self._thread.join(20)
        self._listener.close()

    def _run(self) -> None:
        for size in self._sizes:
            connection, _ = self._listener.accept()
            self.received.append(b"")
            with connection:
                while size < 0 or len(self.received[-1]) < size:
                    if not (data := connection.recv(4096)):
                        break
                    self.received[-1] += data
                if size >= 0:  # what it has not read is lost, as when a server is killed
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )


@contextmanager
def tcp(port: int) -> Iterator[TcpSink]:
    """A sink that tries again soon."""
    sink = TcpSink(parse(f"tcp:127.0.0.1:{port}"), policy("syslog"), Backoff(0.001, 0.01))
    try:
        yield sink
    finally:
        sink.close()


def test_message() -> None:
    """Priority, the event's time and node; the event follows unaltered, framed by its length."""
    server = TcpServer([-1])
    with tcp(server.port) as sink:
        sink.write(events(2) + b"no event\n")
    server.join()
    first, second, third = unframed(server.received[0])

    assert first.startswith(b"<86>1 2023-11-14T22:13:20.123Z web-1 laurel-mp - - - {")
    assert bodies([first, second]) == events(2).splitlines()
    assert third.startswith(b"<86>1 - ")
    assert bodies([third]) == [b"no event"]


def test_tcp_server_that_is_killed() -> None:
    """All events come, in order, after unread ones; a connection begins with a frame."""
    server = TcpServer([1, 50_000, 1, 200_000, 3000, -1])
    with tcp(server.port) as sink:
        for number in range(10):
            sink.write(events(500, 500 * number))
            sink.tick()
        sink.write(events(1, 5000))
    server.join()
    found = [line for each in server.received for line in bodies(unframed(each))]

    assert list(dict.fromkeys(found)) == events(5001).splitlines()


def test_a_long_event_goes_whole_over_tcp() -> None:
    """Whatever its length."""
    server = TcpServer([-1])
    with tcp(server.port) as sink:
        sink.write(events(2, width=3_000_000))
    server.join()

    assert bodies(unframed(server.received[0])) == events(2, width=3_000_000).splitlines()


class DatagramServer:
    """Binds a datagram socket, and reads some messages before it ends."""

    def __init__(self, path: Path, counts: list[int]) -> None:
        self.received: list[bytes] = []
        self._path = path
        self._counts = counts
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        wait_until(path.exists, "it listens")

    def join(self) -> None:
        """Returns when the last one has ended."""
        self._end.set()
        self._thread.join(20)

    def _run(self) -> None:
        for count in self._counts:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
                bound.bind(str(self._path))
                bound.settimeout(10)
                before = self._path.stat().st_mtime_ns
                for _ in range(count):
                    self.received.append(bound.recv(1 << 18))
                    if self.received[-1].endswith(b"last"):
                        self._end.wait(10)
                        return
            # Clocks of file systems tick every 4 ms: no server is back within one tick.
            wait_until(partial(self._is_later, before), "the next tick")
            self._path.unlink()

    def _is_later(self, before: int) -> bool:
        tick = self._path.with_name("tick")
        tick.write_bytes(b"")
        return tick.stat().st_mtime_ns > before


def test_datagram_server_that_restarts(tmp_path: Path) -> None:
    """Events that a server leaves unread go to the next one, all and in order."""
    server = DatagramServer(tmp_path / "log", [1, 7, 100, 3, 100_000])
    address = parse(f"unix:{tmp_path}/log?facility=local6&severity=notice&app-name=audit")
    sink = DatagramSink(address, policy("syslog"), Backoff(0.001, 0.01))
    for number in range(10):
        sink.write(events(50, 50 * number))
        sink.tick()
    sink.write(b"last\n")
    server.join()
    sink.close()

    assert all(b" audit - - - " in each for each in server.received)
    assert server.received[0].startswith(b"<181>1 ")
    found = bodies(server.received)
    assert list(dict.fromkeys(found)) == [*events(500).splitlines(), b"last"]


@pytest.mark.parametrize("text", ["y" * 20_000, '\\"' * 10_000, "ü" * 10_000])
def test_a_long_event_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str) -> None:
    """It stays valid JSON that says what it is, within the limit; the log says so."""
    server = DatagramServer(tmp_path / "log", [2])
    line = b'{"ID":"1700000000.123:7","SYSCALL":{"x":"%b"}}' % text.encode()
    sink = DatagramSink(parse(f"unix:{tmp_path}/log"), policy("syslog"))
    sink.write(line + b"\nlast\n")
    server.join()
    sink.close()
    (body, _) = bodies(server.received)
    event = json.loads(body)

    assert 8150 < len(server.received[0]) <= 8192
    assert (event["ID"], event["LAUREL_MP"]["op"]) == ("1700000000.123:7", "cut")
    assert event["LAUREL_MP"]["bytes"] == len(line)
    assert line.startswith(event["LAUREL_MP"]["text"].encode())
    assert f"cut an event of {len(line)} bytes" in caplog.text


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("unix:/dev/log", ""),
        ("tcp:[::1]:601?severity=warning&max-bytes=1024", ""),
        ("/dev/log", "expected unix:/path or tcp:address:port after syslog:"),
        ("unix:log", "the path of the socket must start with /"),
        ("tcp:siem:601", "expected the number of an address, not a name"),
        ("tcp:127.0.0.1", "the port is no number from 1 to 65535"),
        ("unix:/x?facility=no", "option 'facility=no' is not valid"),
        ("unix:/x?max-bytes=7", "max-bytes must be from 1024 to 131072"),
        ("unix:/x?app-name=a b", "option 'app-name=a b' is not valid"),
    ],
)
def test_addresses(address: str, problem: str) -> None:
    """A wrong address is said in words."""
    assert problem == DRIVER.problem(address)


def test_the_socket_is_known_to_doctor() -> None:
    """So that it can be looked for."""
    assert [DRIVER.socket(each) for each in ("unix:/dev/log?", "tcp:127.0.0.1:1")] == [
        "/dev/log",
        "",
    ]

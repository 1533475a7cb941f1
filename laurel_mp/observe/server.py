"""A non-blocking server for short connections, driven by the main loop of ingest.

The cost of a client that connects all the time, sends garbage, sends nothing or never reads is
bounded: by connections at once, connections a second, bytes of a request, and time per connection.
Further clients wait in the queue of the kernel, which is bounded, too.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

MOST = 16
"""Connections at a time."""

RATE = 20.0
"""Connections a second on average, with bursts of one second's worth."""

WAITING = 16
"""Length of the queue of connections to accept, listen(2)."""

PATIENCE = 5.0
"""Seconds that a connection may last."""

MAX_REQUEST = 8192

Answer = Callable[[bytes], bytes | None]
"""Returns the response to a request; None while the request is incomplete."""


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    deadline: float
    request: bytes = b""
    rest: memoryview | None = None
    """The unsent part of the response, once the request is complete."""
    events: int = field(default=select.EPOLLIN)


class Server:
    """Answers requests on a listening socket, which it closes at the end. For one thread only."""

    def __init__(
        self,
        listener: socket.socket,
        answer: Answer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._answer = answer
        self._clock = clock
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._is_listening = False
        self._allowed = RATE
        self._counted = clock()
        self.answered = 0
        """Number of connections that got a whole response."""
        self.dropped = 0
        """Number of connections dropped: too slow, or with too large a request."""
        listener.setblocking(False)
        listener.listen(WAITING)
        self._listen_or_not()

    def fileno(self) -> int:
        """Returns a descriptor that is readable when `step` has work."""
        return self._epoll.fileno()

    def next_due(self) -> float | None:
        """Returns the seconds until `step` must be called in any case; None for never."""
        now = self._clock()
        waits = [each.deadline - now for each in self._connections.values()]
        if self._allowed < 1 and len(self._connections) < MOST:
            waits.append((1 - self._allowed) / RATE)
        return max(min(waits), 0.0) + 0.001 if waits else None

    def step(self) -> None:
        """Accepts, reads, sends and drops connections, without waiting."""
        for fd, _ in self._epoll.poll(0):
            if fd == self._listener.fileno():
                self._accept()
            else:
                self._serve(self._connections[fd])
        now = self._clock()
        for connection in [each for each in self._connections.values() if each.deadline <= now]:
            self.dropped += 1
            self._end(connection)
        self._listen_or_not()

    def close(self) -> None:
        """Closes all connections and the listener."""
        for connection in list(self._connections.values()):
            self._end(connection)
        self._epoll.close()
        self._listener.close()

    def _may_accept(self) -> bool:
        now = self._clock()
        self._allowed = min(self._allowed + (now - self._counted) * RATE, RATE)
        self._counted = now
        return self._allowed >= 1 and len(self._connections) < MOST

    def _listen_or_not(self) -> None:
        """Watches the listener only while a connection may be accepted."""
        wanted = self._may_accept()
        if wanted and not self._is_listening:
            self._epoll.register(self._listener, select.EPOLLIN)
        elif self._is_listening and not wanted:
            self._epoll.unregister(self._listener)
        self._is_listening = wanted

    def _accept(self) -> None:
        while self._may_accept():
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:  # no more connections
                return
            except OSError:  # perhaps too many descriptors are open; the next one comes later
                self._allowed = 0.0
                return
            self._allowed -= 1
            accepted.setblocking(False)
            connection = _Connection(accepted, self._clock() + PATIENCE)
            self._connections[accepted.fileno()] = connection
            self._epoll.register(accepted, connection.events)
            self._serve(connection)

    def _serve(self, connection: _Connection) -> None:
        try:
            if connection.rest is None and not self._take_request(connection):
                return
            self._send(connection)
        except OSError:  # its other end is gone
            self._end(connection)

    def _take_request(self, connection: _Connection) -> bool:
        """Reads the request; returns True once it is complete. Raises OSError."""
        answer = self._answer(connection.request)
        while answer is None:
            try:
                data = connection.socket.recv(MAX_REQUEST)
            except BlockingIOError:
                return False
            connection.request += data
            if not data or len(connection.request) > MAX_REQUEST:
                self.dropped += 1
                self._end(connection)
                return False
            answer = self._answer(connection.request)
        connection.rest = memoryview(answer)
        return True

    def _send(self, connection: _Connection) -> None:
        rest = connection.rest
        assert rest is not None
        while rest:
            try:
                rest = rest[connection.socket.send(rest) :]
            except BlockingIOError:
                connection.rest = rest
                if connection.events != select.EPOLLOUT:
                    connection.events = select.EPOLLOUT
                    self._epoll.modify(connection.socket, connection.events)
                return
        self.answered += 1
        self._end(connection)

    def _end(self, connection: _Connection) -> None:
        found = self._connections.pop(connection.socket.fileno())
        self._epoll.unregister(found.socket)
        with suppress(OSError):
            # A process that was forked meanwhile may have a copy; the client must see the end.
            found.socket.shutdown(socket.SHUT_RDWR)
        found.socket.close()

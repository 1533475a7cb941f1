"""Answers to short connections, by a main loop that has other things to do.

Nothing here waits. What somebody may cost who connects all the time, sends garbage, sends nothing
or never reads, is bounded: so many connections at once, so many a second, so many bytes of a
request, so long for one. Whoever comes when that is used up waits in the kernel's queue, which is
bounded, too.
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
"""Connections a second, in the long run; a second's worth of them may come at once."""

WAITING = 16
"""Those that wait to be accepted, listen(2)."""

PATIENCE = 5.0
"""Seconds that a connection may take from its begin to its end."""

MAX_REQUEST = 8192

Answer = Callable[[bytes], bytes | None]
"""What to answer to a request, as far as it has come; None while its end has not."""


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    deadline: float
    request: bytes = b""
    rest: memoryview | None = None
    """What is still to be sent, once the request is complete."""
    events: int = field(default=select.EPOLLIN)


class Server:
    """Answers on a listening socket, which it closes in the end. For one thread only."""

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
        """How many have got a whole answer."""
        self.dropped = 0
        """How many were given up: too slow, or too large a request."""
        listener.setblocking(False)
        listener.listen(WAITING)
        self._listen_or_not()

    def fileno(self) -> int:
        """Readable when `step` has something to do."""
        return self._epoll.fileno()

    def next_due(self) -> float | None:
        """Seconds until `step` has something to do in any case; None for never."""
        now = self._clock()
        waits = [each.deadline - now for each in self._connections.values()]
        if self._allowed < 1 and len(self._connections) < MOST:
            waits.append((1 - self._allowed) / RATE)
        return max(min(waits), 0.0) + 0.001 if waits else None

    def step(self) -> None:
        """Does what can be done now."""
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
        """Ends all connections, and listens no more."""
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
        """Does not look at the listener while nobody would be let in."""
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
            except BlockingIOError:  # nobody is left
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
        """Whether the request is complete, so that there is something to send. Raises OSError."""
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
            # A process that was forked meanwhile may have a copy, and the other end is to see it.
            found.socket.shutdown(socket.SHUT_RDWR)
        found.socket.close()

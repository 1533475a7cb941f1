"""auditd's end of the socket: a stream at a bounded rate."""

from __future__ import annotations

import select
import socket
import time


class Sender:
    """Sends a stream piece by piece, and measures how long it is held up."""

    def __init__(
        self, to: socket.socket, stream: bytes, rate: float, *, whole_lines: bool = False
    ) -> None:
        """`rate` is in bytes a second; `to` must not block.

        With `whole_lines`, each send has only those, as auditd's have; else lines are cut anywhere.
        """
        self._to = to
        self._stream = memoryview(stream)
        self._rate = rate
        self._lines = stream if whole_lines else b""
        self._allowed = 0.0
        self._last = time.monotonic()
        self._blocked_since = 0.0
        self.sent = 0
        self.longest = 0.0
        """Seconds, the longest time for which nothing could be sent."""

    @property
    def done(self) -> bool:
        """True if all is sent."""
        return self.sent == len(self._stream)

    def step(self, limit: int | None = None) -> None:
        """Sends what the rate allows by now, but nothing beyond the position `limit`."""
        now = time.monotonic()
        self._allowed = min(self._allowed + (now - self._last) * self._rate, self._rate / 10)
        self._last = now
        end = min(self.sent + int(self._allowed), len(self._stream) if limit is None else limit)
        if self._lines:
            end = self._lines.rfind(b"\n", 0, end) + 1
        while self.sent < end:
            try:
                size = self._to.send(self._stream[self.sent : end])
            except BlockingIOError:
                self._blocked_since = self._blocked_since or now
                self.longest = max(self.longest, now - self._blocked_since)
                return
            except BrokenPipeError:
                return  # the next look at the plugin shows the reason
            self._blocked_since = 0.0
            self.sent += size
            self._allowed -= size


def send_lines(to: socket.socket, lines: list[bytes], rate: float) -> float:
    """Sends one line at a time as auditd does, `rate` of them a second, and waits if it must.

    Gives back how long a single line took at most, in seconds.
    """
    poll = select.poll()
    poll.register(to, select.POLLOUT)
    start = time.monotonic()
    longest = 0.0
    for number, line in enumerate(lines):
        while time.monotonic() < start + number / rate:
            time.sleep(0.001)
        view = memoryview(line)
        blocked = 0.0
        while view:
            try:
                view = view[to.send(view) :]
            except BlockingIOError:
                blocked = blocked or time.monotonic()
                poll.poll()
        if blocked:
            longest = max(longest, time.monotonic() - blocked)
    return longest

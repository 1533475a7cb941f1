"""Feeds a plugin as auditd does, and notes when its output appears."""

from __future__ import annotations

import re
import socket
import time
from io import FileIO
from pathlib import Path

from laurel_mp.loadtest.bench.run_measures import Latency
from laurel_mp.loadtest.bench.workloads import End, EventKey, Workload

_PIECE = 1 << 16

_LOOK = 0.001
"""Seconds between reads of the output: the resolution of latencies."""

_WAIT_SECONDS = 10.0
"""Seconds to wait for the last events."""

_written = re.compile(rb'^\{"ID":"([^"]+)"(?:,"NODE":"([^"]*)")?', re.MULTILINE).findall


def feed(stream: socket.socket, workload: Workload) -> None:
    """Sends a workload as fast as it is read. Raises OSError."""
    with workload.path.open("rb") as file:
        for piece in iter(lambda: file.read(_PIECE), b""):
            stream.sendall(piece)


class Tail:
    """Follows the end of an output."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._rest = b""
        self.seen: dict[EventKey, float] = {}
        """Time at which each event was seen, by the monotonic clock."""

    def look(self) -> None:
        """Reads new lines, and notes the time of their events."""
        if self._file is None:
            try:
                self._file = FileIO(self._path)
            except FileNotFoundError:
                return  # some programs open it with the first event
        data = self._file.read()
        if not data:
            return
        now = time.monotonic()
        lines, newline, self._rest = (self._rest + data).rpartition(b"\n")
        for event, node in _written(lines + newline):
            self.seen[node, event] = now

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()


def feed_paced(
    stream: socket.socket, workload: Workload, rate: float, output: Path
) -> Latency | None:
    """Sends `rate` events a second, record by record as auditd does. Raises OSError.

    Records of other events between those of one are sent with the first event that ends behind
    them.
    """
    data = workload.path.read_bytes()
    ends = workload.ends()
    tail = Tail(output)
    try:
        sent = _send(stream, data, ends, rate, tail)
        deadline = time.monotonic() + _WAIT_SECONDS
        while sent.keys() - tail.seen.keys() and time.monotonic() < deadline:
            time.sleep(_LOOK)
            tail.look()
    finally:
        tail.close()
    times = [tail.seen[event] - when for event, when in sent.items() if event in tail.seen]
    return Latency.of(times, len(sent) - len(times))


def _send(
    stream: socket.socket, data: bytes, ends: list[End], rate: float, tail: Tail
) -> dict[EventKey, float]:
    """Returns the time at which the last record of each event was sent."""
    sent: dict[EventKey, float] = {}
    start = time.monotonic()
    position = 0
    for number, end in enumerate(ends):
        due = start + number / rate
        while (wait := due - time.monotonic()) > 0:
            time.sleep(min(wait, _LOOK))
            tail.look()
        for record in data[position : end.position].splitlines(keepends=True):
            now = time.monotonic()
            stream.sendall(record)
        sent[end.event] = now
        position = end.position
        tail.look()
    stream.sendall(data[position:])
    return sent

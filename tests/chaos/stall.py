"""An output that stalls: who sends to the plugin must not notice."""

from __future__ import annotations

import os
from pathlib import Path

from tests.chaos.feed import check, feeding, same
from tests.chaos.offline import Expected
from tests.chaos.outputs import SMALL
from tests.chaos.sender import send_lines
from tests.chaos.settings import Settings

LINES_A_SECOND = 20_000

LIMIT = 0.1
"""Seconds that a single line may take to send, as long as there is room in the spool."""


def stalled_output(expected: Expected, directory: Path, workers: int) -> float:
    """Sends the whole stream as auditd does, a line at a time, without a reader of the output.

    Everything must be there once there is one. Returns the longest time for a line.
    """
    fifo = directory / "audit.fifo"
    os.mkfifo(fifo, 0o600)
    settings = Settings(directory, workers, "audit.fifo", pipeline=SMALL)
    fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    found: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(fd, 1 << 16):
                found.append(data)
        except BlockingIOError:
            pass

    try:
        with feeding(settings, b"", 1.0) as (feed, ours):
            feed.until(lambda: "started" in feed.plugin.log(), "it has started")
            longest = send_lines(ours, expected.stream.splitlines(keepends=True), LINES_A_SECOND)
            feed.also.append(read)
            feed.finish(ours, 600.0)
            read()
            same("audit.fifo", expected.events, b"".join(found))
            check(expected, directory, without=["audit.log"])
    finally:
        os.close(fd)
    return longest

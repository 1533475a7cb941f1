"""Plugin mode: auditd's stream from standard input, as it comes, until it ends."""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from types import FrameType

from laurel_mp.errors import InputError
from laurel_mp.pipeline import surroundings
from laurel_mp.pipeline.backlog import Backlog
from laurel_mp.pipeline.inputs import DescriptorInput
from laurel_mp.pipeline.parallel import ParallelPipeline
from laurel_mp.pipeline.pieces import Piece
from laurel_mp.pipeline.pipeline import Pipeline
from laurel_mp.pipeline.reader import Reader

GRACE = 5.0
"""Seconds to read on after SIGTERM: auditd and systemd send it while the last records, and
DAEMON_END, are still on their way."""

SHOULD_HAVE_EOE = 4 << 20
"""Bytes of a stream without EOE records after which that is worth a message."""

TICK = 0.5
"""Seconds between looks at the clock while events are in flight."""


log = logging.getLogger(__name__)


class Plugin:
    """Moves what the reader has read into the pipeline, until the input ends.

    When there is little to do it lingers, to hand over much at once; while events are in flight it
    looks at the clock.
    """

    def __init__(self, pipeline: Pipeline, fd: int) -> None:
        self._pipeline = pipeline
        settings = pipeline.config.pipeline
        self._linger = settings.linger_ms / 1000
        self._batch_bytes = settings.batch_bytes
        self._backlog = Backlog(settings.window_bytes)
        self._reader = Reader(DescriptorInput(fd, "standard input"), self._backlog)
        self._now = 0.0
        self._without_eoe = 0
        self._deadline: float | None = None
        self._stop = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()

    def run(self) -> None:
        """Returns when the input has ended and everything is written."""
        for number in surroundings.STOP_SIGNALS:
            signal.signal(number, self._on_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, surroundings.STOP_SIGNALS)
        self._poll.register(self._backlog.fileno(), select.POLLIN)
        self._poll.register(self._stop, select.POLLIN)
        if isinstance(self._pipeline, ParallelPipeline):
            for fd in self._pipeline.filenos():
                self._poll.register(fd, select.POLLIN)
        self._backlog.open()
        self._reader.start()
        while not self._backlog.ended and not self._is_overdue():
            self._step()
        self._feed_rest()
        self._reader.close()
        self._pipeline.finish(time.monotonic())
        if self._backlog.error is not None:
            raise InputError(f"standard input: can not be read on: {self._backlog.error.strerror}")

    def _feed_rest(self) -> None:
        """Feeds what was read before the deadline: what still comes may have no end."""
        left = self._backlog.size
        while left > 0 and (piece := self._backlog.take(self._batch_bytes)):
            self._feed(piece)
            left -= len(piece.data)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + GRACE
        os.eventfd_write(self._stop, 1)

    def _is_overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _step(self) -> None:
        """Waits for something to do, and does it."""
        if isinstance(self._pipeline, ParallelPipeline):
            self._pipeline.receive()  # before the wait: the socket tells of new messages only
        if self._backlog.size == 0:
            ready = self._poll.poll(self._patience() * 1000)
            if not ready:
                self._now = time.monotonic()
                self._pipeline.tick(self._now)
            if any(fd == self._stop for fd, _ in ready):
                os.eventfd_read(self._stop)
            if self._backlog.size == 0:
                return
        if self._backlog.size < self._batch_bytes and self._linger and self._deadline is None:
            time.sleep(self._linger)
        if (piece := self._backlog.take(self._batch_bytes)) is not None:
            self._feed(piece)

    def _patience(self) -> float:
        """Seconds to wait for input."""
        waits = [3600.0]
        if self._pipeline.in_flight:
            waits.append(TICK)
        if self._deadline is not None:
            waits.append(max(self._deadline - time.monotonic(), 0.0) + 0.001)
        return min(waits)

    def _feed(self, piece: Piece) -> None:
        # A tick may have been a moment later than what was read just then.
        self._now = max(self._now, piece.arrival)
        self._pipeline.feed(piece.data, self._now)
        if self._without_eoe < SHOULD_HAVE_EOE:
            self._look_for_eoe(len(piece.data))

    def _look_for_eoe(self, size: int) -> None:
        """Says once if the stream seems to have no EOE records at all."""
        self._without_eoe += size
        if self._pipeline.has_eoe:
            self._without_eoe = SHOULD_HAVE_EOE
        elif self._without_eoe >= SHOULD_HAVE_EOE:
            log.warning(
                "no EOE record in %d MiB: a rule may exclude them; events without a PROCTITLE "
                "record come late",
                SHOULD_HAVE_EOE >> 20,
            )

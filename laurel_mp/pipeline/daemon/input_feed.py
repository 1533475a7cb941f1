"""Moves the input from the reader and the backlog into the pipeline."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from laurel_mp.outputs.copy import Copy
from laurel_mp.pipeline.daemon.run_state import RunState
from laurel_mp.pipeline.daemon.stop_deadline import StopDeadline
from laurel_mp.pipeline.daemon.upstream_losses import UpstreamLossMonitor
from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.pieces import Piece
from laurel_mp.pipeline.intake.reader import Reader
from laurel_mp.pipeline.status.run_statistics import RunStatistics
from laurel_mp.pipeline.supervisor.pipeline import Pipeline

EOE_BYTES = 4 << 20
"""Bytes of a stream without EOE records after which there is a message."""

ENOUGH = 64 << 10
"""Bytes of input that are handed over without lingering. At 1,000 events a second that many come
in less time than input may linger; so latency falls as the load rises."""

TICK = 0.5
"""Seconds between clock marks while events are in flight."""

log = logging.getLogger(__name__)


class InputFeed:
    """Hands over input as far as the pipeline has room. It never waits for an output.

    While there is little input it lingers, so that more is handed over at once.
    """

    def __init__(
        self,
        reader: Reader,
        backlog: Backlog,
        pipeline: Pipeline,
        monitor: UpstreamLossMonitor,
        statistics: RunStatistics,
        state: RunState,
        deadline: StopDeadline,
        copy: Copy | None,
    ) -> None:
        self.is_ending = False
        """True when all input is handed over, and there will be no more."""
        self._reader = reader
        self._backlog = backlog
        self._pipeline = pipeline
        self._monitor = monitor
        self._statistics = statistics
        self._state = state
        self._deadline = deadline
        self._copy = copy
        """The copy of the input, `debug.inputlog`."""
        self._uncopied = b""
        """The start of a line whose end has not come."""
        self._wants_rotation = False
        self._clock = 0.0
        self._ticked = time.monotonic()
        self._without_eoe = 0

    @property
    def has_room(self) -> bool:
        """True if the pipeline takes input now."""
        return not self.is_ending and self._pipeline.has_room

    @property
    def needs_clock(self) -> bool:
        """True while clock marks can complete events, or show that some are missing."""
        return self._pipeline.in_flight > 0 or self._pipeline.awaits_clock

    def rotate(self) -> None:
        """Begins new output files with the next input."""
        self._wants_rotation = True
        if self._copy is not None:
            self._copy.rotate()

    def step(self) -> bool:
        """Hands over what there is, if there is room; returns False if there was nothing to do."""
        pipeline, backlog = self._pipeline, self._backlog
        if not self.has_room:
            return False
        if self._wants_rotation:
            self._wants_rotation = False
            pipeline.rotate()
        if self._monitor.has_notes:
            pipeline.note(self._monitor.take_notes(), self.now())
            return True
        size, waited = backlog.waiting(time.monotonic())
        if size:
            linger = self._reader.linger.time - waited
            if linger > 0 and size < self._enough and not self._deadline.is_set:
                time.sleep(linger)
            self._hand_over(backlog.take(pipeline.config.pipeline.batch_bytes))
            return True
        if backlog.ended:
            self.is_ending = True
            pipeline.end(self.now(), checkpoint=self._state.has_file)
            return True
        if self.needs_clock and time.monotonic() - self._ticked >= TICK:
            self._ticked = time.monotonic()
            pipeline.tick(self.now(self._ticked))
            return True  # with `workers = 0` its reports are there already
        return False

    def wait(self, wait: Callable[[int], bool]) -> bool:
        """Reads the borrowed input if `wait` returns True, and hands it over.

        `wait` gets its descriptor. The reader gets the input back before the pipeline works: that
        may take long. Returns True if there was input.
        """
        piece = None
        try:
            if wait(self._reader.fileno()):
                piece = self._reader.collect(self._enough)
        finally:
            self._reader.give_back()
        if piece is not None:
            self._backlog.count_read(len(piece.data))
            self._hand_over(piece)
        return piece is not None

    def now(self, when: float = 0.0) -> float:
        """Returns the arrival time of the latest input, on a clock that never goes back."""
        self._clock = max(self._clock, when)
        return self._clock

    @property
    def _enough(self) -> int:
        """Bytes that are handed over without waiting for more."""
        return min(ENOUGH, self._pipeline.config.pipeline.batch_bytes)

    def _hand_over(self, piece: Piece | None) -> None:
        if piece is None:
            return
        if self._copy is not None:
            lines, newline, self._uncopied = (self._uncopied + piece.data).rpartition(b"\n")
            self._copy.write(lines + newline)
        self._ticked = time.monotonic()  # a batch moves the clock, too
        self._statistics.arrived = piece.arrival
        self._pipeline.feed(piece.data, self.now(piece.arrival), self._backlog.taken)
        if self._without_eoe < EOE_BYTES:
            self._look_for_eoe(len(piece.data))

    def _look_for_eoe(self, size: int) -> None:
        """Logs once if the stream seems to have no EOE records at all."""
        self._without_eoe += size
        if self._pipeline.has_eoe:
            self._without_eoe = EOE_BYTES
        elif self._without_eoe >= EOE_BYTES:
            log.warning(
                "no EOE record in %d MiB: a rule may exclude them; events without a PROCTITLE "
                "record come late",
                EOE_BYTES >> 20,
            )

"""A pipeline, as those see it who feed it: bytes in, and in the end a ledger that balances."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from laurel_mp.config import Config
from laurel_mp.pipeline import options
from laurel_mp.pipeline.ledger import Ledger
from laurel_mp.pipeline.lines import Chunk, LineCutter
from laurel_mp.stages.router import Batch, Malformed

OnMalformed = Callable[[Malformed], None]


class Pipeline(ABC):
    """Cuts the input into lines, routes them, and leaves the rest to the stages behind.

    Not for use from several threads.
    """

    def __init__(self, config: Config, workers: int, on_malformed: OnMalformed) -> None:
        self.config = config
        self.workers = workers
        self._router = options.router(config, workers)
        self._cutter = LineCutter(config.pipeline.max_line_bytes)
        self._on_malformed = on_malformed
        self._overlong = 0

    def start(self) -> None:  # noqa: B027 - a pipeline of one process has nothing to start
        """Starts what belongs to the pipeline; `close` is due whatever comes of it."""

    # --- the input

    def feed(self, data: bytes, now: float | None = None) -> None:
        """Takes bytes as they came.

        `now` is their arrival time in seconds, of a clock that never goes back. Without it,
        time stamps in the stream make the clock.
        """
        chunk = self._cutter.cut(data)
        if chunk is not None or self._cutter.overlong:
            self._feed(chunk or Chunk(self._cutter.position, b""), now)

    def end_of_file(self) -> None:
        """The input goes on in another file: a line that was not ended, ends here."""
        chunk = self._cutter.finish()
        if chunk.lines:
            self._feed(chunk, None)

    def tick(self, now: float) -> None:
        """Lets time-outs happen when nothing comes in."""
        self._feed(Chunk(self._cutter.position, b""), now)

    def finish(self, now: float | None = None) -> None:
        """The input has ended: completes what is in flight, and waits until all is written."""
        self._feed(self._cutter.finish(), now, final=True)
        self._drain()

    def _feed(self, chunk: Chunk, now: float | None, *, final: bool = False) -> None:
        batch = self._router.route(chunk.lines, chunk.position, now=now, final=final)
        malformed = batch.malformed
        if self._cutter.overlong:
            skipped = [Malformed(*line) for line in self._cutter.overlong]
            self._cutter.overlong.clear()
            self._overlong += len(skipped)
            malformed = sorted([*malformed, *skipped])
        for line in malformed:
            self._on_malformed(line)
        text = b"".join([self._cutter.shown(line.line) + b"\n" for line in malformed])
        self._send(batch, len(chunk.lines), text)

    # --- what became of it

    def ledger(self) -> Ledger:
        """The counters as they stand. They balance when all that was fed is acknowledged."""
        ledger = self._downstream()
        ledger.lines = self._router.counters.lines + self._overlong
        ledger.malformed = self._router.counters.malformed + self._overlong
        return ledger

    @property
    def has_eoe(self) -> bool:
        """Whether the stream is taken for one in which events end with an EOE record."""
        return self._router.has_eoe

    @property
    def in_flight(self) -> int:
        """Lines of events that are not complete, as far as it is known."""
        return self._downstream().in_flight

    @abstractmethod
    def _downstream(self) -> Ledger:
        """What the stages behind the router counted."""

    @abstractmethod
    def _send(self, batch: Batch, size: int, malformed: bytes) -> None:
        """Hands a batch of `size` bytes over."""

    @abstractmethod
    def _drain(self) -> None:
        """Waits until everything is written."""

    @abstractmethod
    def close(self) -> None:
        """Ends all that belongs to the pipeline, whatever state it is in."""

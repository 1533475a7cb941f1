"""Replay captures: with their own timing, faster, at a rate, or as fast as they are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from laurel_mp.errors import InputError, OutputError
from laurel_mp.loadtest.captures import pieces_of
from laurel_mp.loadtest.pacing import Pace
from laurel_mp.loadtest.rounds import Rounds
from laurel_mp.loadtest.timing import Counter, FixedRate, OwnTime, events, timed

Write = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a replay. Rounds are whole, so that no event is cut."""

    speed: float | None = 1.0
    """Factor of the original speed; None for as fast as possible."""
    rate: float | None = None
    """Events a second, in place of the capture's own timing."""
    rounds: int | None = 1
    """None for without end."""
    lines: int = 0
    """If not 0: as many rounds as needed for so many lines."""
    events: int = 0
    """The same for events."""
    second: int | None = None
    """New value of the first time stamp, in seconds since the epoch."""
    move_pids: bool = False
    """True if each round has pids of its own."""

    @property
    def is_single(self) -> bool:
        """True for one round only, which is not kept in memory."""
        return self.rounds == 1 and not self.lines and not self.events


@dataclass(frozen=True, slots=True)
class Replayed:
    """Summary of a replay."""

    events: int
    """Those of whole rounds, or of an unfinished first one."""
    lines: int
    bytes: int
    rounds: int
    seconds: float
    slipped: float
    """Seconds that were not caught up: the reader, or this machine, was too slow."""
    closed: bool
    """True if the reader closed before the end."""


class Replay:
    """Replays captures one after another, as if they were one."""

    def __init__(self, names: Sequence[str], options: Options, pace: Pace | None = None) -> None:
        self._names = names
        self._options = options
        self._pace = pace or Pace()
        self._counter = Counter()
        self._lines = 0
        self._bytes = 0
        self._round = 0

    def run(self, write: Write) -> Replayed:
        """Writes each event when it is due; raises InputError, OutputError.

        A reader that closed ends it without an error.
        """
        started = time.monotonic()
        closed = False
        try:
            self._play(self._counting(write))
        except OutputError as error:
            if not error.closed:
                raise
            closed = True
        return Replayed(
            self._events(),
            self._lines,
            self._bytes,
            self._round,
            time.monotonic() - started,
            self._pace.slipped,
            closed,
        )

    def _play(self, write: Write) -> None:
        options = self._options
        if options.rate is not None:
            self._pace.play(timed(self.pieces(), FixedRate(options.rate).due), write)
        elif options.speed is not None:
            self._pace.play(timed(self.pieces(), OwnTime(options.speed).due), write)
        else:
            for piece in self.pieces():
                write(piece)

    def _counting(self, write: Write) -> Write:
        def counted(data: bytes) -> None:
            write(data)
            self._bytes += len(data)
            self._lines += data.count(b"\n")

        return counted

    def _events(self) -> int:
        return self._counter.count * max(self._round, 1)

    def pieces(self) -> Iterator[bytes]:
        """The whole stream, in pieces of whole lines; raises InputError."""
        options = self._options
        rounds = Rounds(
            pieces_of(self._names),
            move_pids=options.move_pids,
            second=options.second,
            keep=not options.is_single,
        )
        for piece in rounds.round():
            for event, _ in events(piece):
                self._counter.add(event)
            yield piece
        if not rounds.lines:
            raise InputError("there is nothing to replay: the capture is empty")
        self._round = 1
        while self._has_next_round(rounds.lines):
            yield from rounds.round()
            self._round += 1

    def _has_next_round(self, lines: int) -> bool:
        options = self._options
        if options.lines:
            return self._round * lines < options.lines
        if options.events:
            # Without any event, no number of rounds is enough.
            return 0 < self._counter.count * self._round < options.events
        return options.rounds is None or self._round < options.rounds

"""Generates the stream of a flood: ids, order, and interleaved events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from laurel_mp.loadtest.flood.draws import Draws
from laurel_mp.loadtest.flood.event_maker import EventMaker
from laurel_mp.loadtest.flood.flood_options import ASSUMED_RATE, Options
from laurel_mp.loadtest.flood.process import Process
from laurel_mp.loadtest.flood.truth_writer import TruthWriter

SLICE = 64
"""EventMaker of a chunk: some tens of kilobytes, about as much as the socket from auditd holds."""

TICK_MS = 4
"""Steps of the kernel's coarse clock, from which ids have their time."""

_SWAPPED = 2 / 495
"""With several events open: share of those whose serial is smaller than that of the one before;
so it was in tests/corpus/concurrent.raw.txt.xz."""

_FIRST_SERIAL = 30_000

_MOST_TICKS = 500 // TICK_MS
"""Longest time that an event is open: the kernel writes all of its records at once, and consumers
give up an event after two seconds."""

_TWO_LINES = {"avc", "config"}


class _Open:
    """An event that is not complete in the stream."""

    __slots__ = ("actor", "lines", "tick", "truth")

    def __init__(self, tick: int, lines: list[str], actor: Process | None, truth: str) -> None:
        self.tick = tick
        """Tick of its first record."""
        self.lines = lines
        """Remaining lines."""
        self.actor = actor
        self.truth = truth


class Flood:
    """Generates a stream of events; the same options give the same bytes.

    Memory is bounded by the number of processes and of open events.
    """

    def __init__(self, options: Options, truth: Callable[[bytes], object] | None = None) -> None:
        self.options = options
        self.events = 0
        """Number of events that have begun."""
        self.lines = 0
        self.bytes = 0
        """Totals of the generated stream."""
        random = Random(options.seed)  # noqa: S311 - the same seed must give the same stream
        self._random = random
        self._made = EventMaker(options, random)
        self._kinds = Draws(random, list(options.mix), list(options.mix.values()))
        self._truth = TruthWriter(options)
        self._write_truth = truth
        if truth is not None:
            truth(self._truth.header().encode())
        self._serial = _FIRST_SERIAL
        self._spare = 0
        """A serial whose event comes later; 0 for none."""
        self._start_ms = options.start * 1000
        self._ms_of_event = 1000 / (options.rate or ASSUMED_RATE)
        self._tick = -1
        self._stamp = ""
        self._open: list[_Open] = []
        self._has_ended = False
        """True once an event of several records is complete."""

    def chunks(self, size: int = SLICE) -> Iterator[bytes]:
        """Yields the whole stream as whole lines, `size` events at a time."""
        while self.events < self.options.events:
            yield self.take(size)
        if self._open:
            yield self._drain()

    def take(self, number: int) -> bytes:
        """Returns the next events as whole lines; some of them may stay open."""
        number = min(number, self.options.events - self.events)
        texts: list[str] = []
        truths: list[str] = []
        for _ in range(number):
            self._next(texts, truths)
        return self._written(texts, truths)

    def _written(self, texts: list[str], truths: list[str]) -> bytes:
        data = "".join(texts).encode("ascii")
        self.lines += data.count(b"\n")
        self.bytes += len(data)
        if self._write_truth is not None and truths:
            self._write_truth("".join(truths).encode("ascii"))
        return data

    def _drain(self) -> bytes:
        """Returns the remaining lines of all open events."""
        texts: list[str] = []
        truths: list[str] = []
        while self._open:
            self._advance(texts, truths)
        return self._written(texts, truths)

    def _next(self, texts: list[str], truths: list[str]) -> None:
        """Appends one event, or its beginning and lines of other open events."""
        made = self._made
        before = self._tick
        stamp = self._time()
        if self._open and self._tick != before:
            self._end_old(texts, truths)
        text = made.make(self._kinds.next(), stamp, self._next_serial())
        self.events += 1
        truth = ""
        if self._write_truth is not None:
            truth = self._truth.line(made, text.count("\n"))
        if self.options.interleave == 1:
            texts.append(text)
            truths.append(truth)
            return
        lines = [f"{line}\n" for line in text.split("\n")]  # splitlines() would split at 0x1d, too
        lines.pop()
        # A record and the SYSCALL record behind it stay together: the knowledge of parents depends
        # on the order of SYSCALL records.
        is_login = made.kind == "login" and made.actor is not None
        first = 2 if made.kind in _TWO_LINES or is_login else 1
        texts += lines[:first]
        del lines[:first]
        if not lines:
            truths.append(truth)
            return
        if made.actor is not None:
            made.actor.is_busy = True
        self._open.append(_Open(self._tick, lines, made.actor, truth))
        # The first event is not interleaved: only its end shows that events have EOE records.
        most = self.options.interleave if self._has_ended else 1
        while len(self._open) >= most:
            self._advance(texts, truths)

    def _advance(self, texts: list[str], truths: list[str]) -> None:
        """Appends one or more lines of one of the open events."""
        draw = self._random.random
        index = int(draw() * len(self._open))
        chosen = self._open[index]
        rest = chosen.lines
        size = 1 + int(draw() * len(rest))
        texts += rest[:size]
        del rest[:size]
        if not rest:
            last = self._open.pop()
            if last is not chosen:
                self._open[index] = last
            self._complete(chosen, truths)

    def _end_old(self, texts: list[str], truths: list[str]) -> None:
        """Appends the remaining lines of events that have been open for too long."""
        for old in [each for each in self._open if self._tick - each.tick > _MOST_TICKS]:
            self._open.remove(old)
            texts += old.lines
            self._complete(old, truths)

    def _complete(self, event: _Open, truths: list[str]) -> None:
        self._has_ended = True
        truths.append(event.truth)
        if event.actor is not None:
            event.actor.is_busy = False

    def _next_serial(self) -> int:
        if self._spare:
            serial, self._spare = self._spare, 0
            return serial
        self._serial += 1
        if self.options.interleave > 1 and self._random.random() < _SWAPPED:
            self._spare = self._serial
            self._serial += 1
        return self._serial

    def _time(self) -> str:
        """Returns the time of the next event, in steps of the kernel's clock."""
        tick = int(self.events * self._ms_of_event) // TICK_MS
        if tick != self._tick:
            self._tick = tick
            seconds, ms = divmod(self._start_ms + tick * TICK_MS, 1000)
            self._stamp = f"{seconds}.{ms:03d}"
        return self._stamp

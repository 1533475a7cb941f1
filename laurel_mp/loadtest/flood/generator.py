"""The stream of a flood: ids, order, and how events interleave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from laurel_mp.loadtest.flood.draws import Draws
from laurel_mp.loadtest.flood.events import Events
from laurel_mp.loadtest.flood.flood_options import ASSUMED_RATE, Options
from laurel_mp.loadtest.flood.process import Process
from laurel_mp.loadtest.flood.truth import Truth

SLICE = 64
"""Events of a chunk: some tens of kilobytes, about as much as the socket from auditd holds."""

TICK_MS = 4
"""Steps of the kernel's coarse clock, of which ids have their time."""

_SWAPPED = 2 / 495
"""With several events open: share of those whose serial is smaller than that of the one before;
so it was in tests/corpus/concurrent.raw.txt.xz."""

_FIRST_SERIAL = 30_000

_MOST_TICKS = 500 // TICK_MS
"""How long an event is open at most: the kernel writes all of its records at once, and consumers
give one up after two seconds."""

_TWO_LINES = {"avc", "config"}


class _Open:
    """An event that is not complete in the stream."""

    __slots__ = ("actor", "lines", "tick", "truth")

    def __init__(self, tick: int, lines: list[str], actor: Process | None, truth: str) -> None:
        self.tick = tick
        """When it began."""
        self.lines = lines
        """Those to come."""
        self.actor = actor
        self.truth = truth


class Flood:
    """A stream of events, made as it is asked for; the same options give the same bytes.

    Memory is bounded by the number of processes and of open events.
    """

    def __init__(self, options: Options, truth: Callable[[bytes], object] | None = None) -> None:
        self.options = options
        self.events = 0
        """How many have begun."""
        self.lines = 0
        self.bytes = 0
        """What was handed out."""
        random = Random(options.seed)  # noqa: S311 - the same seed must give the same stream
        self._random = random
        self._made = Events(options, random)
        self._kinds = Draws(random, list(options.mix), list(options.mix.values()))
        self._truth = Truth(options)
        self._write_truth = truth
        if truth is not None:
            truth(self._truth.header().encode())
        self._serial = _FIRST_SERIAL
        self._spare = 0
        """A serial that was drawn, and whose event is yet to come; 0 for none."""
        self._start_ms = options.start * 1000
        self._ms_of_event = 1000 / (options.rate or ASSUMED_RATE)
        self._tick = -1
        self._stamp = ""
        self._open: list[_Open] = []
        self._has_ended = False
        """Whether an event of several records is complete."""

    def chunks(self, size: int = SLICE) -> Iterator[bytes]:
        """All of the stream, as whole lines, `size` events at a time."""
        while self.events < self.options.events:
            yield self.take(size)
        if self._open:
            yield self._drain()

    def take(self, number: int) -> bytes:
        """So many events more, as whole lines; some of them may stay open."""
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
        """The rest of all events that are open."""
        texts: list[str] = []
        truths: list[str] = []
        while self._open:
            self._advance(texts, truths)
        return self._written(texts, truths)

    def _next(self, texts: list[str], truths: list[str]) -> None:
        """One event more: all of it, or its beginning and pieces of others."""
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
        # Nothing comes between a record and the SYSCALL record behind it: what a consumer knows of
        # parents depends on the order of those.
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
        # The first one stands alone: only its end tells a consumer that events end with a record.
        most = self.options.interleave if self._has_ended else 1
        while len(self._open) >= most:
            self._advance(texts, truths)

    def _advance(self, texts: list[str], truths: list[str]) -> None:
        """One line or more of one of the open events."""
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
        """The rest of events that would be given up soon, for the time that they are open."""
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
        """The time of the next event, in steps of the kernel's clock."""
        tick = int(self.events * self._ms_of_event) // TICK_MS
        if tick != self._tick:
            self._tick = tick
            seconds, ms = divmod(self._start_ms + tick * TICK_MS, 1000)
            self._stamp = f"{seconds}.{ms:03d}"
        return self._stamp

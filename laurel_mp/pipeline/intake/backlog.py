"""Input that was read and not taken: some in memory, and what is too much for that in the spool.

The thread that reads puts, and waits while memory is full. The main thread takes, and never
waits. When memory holds more than a quarter of its limit, a third thread moves the oldest of it
to the spool, and goes on with that until the spool is empty again. When the spool is full, or can
not be written, memory fills up, and then nothing is read until something is taken.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from laurel_mp.pipeline.intake.pieces import Piece, pop_joined
from laurel_mp.pipeline.intake.spool.spool import Spool
from laurel_mp.system.rate_limited_log import RateLimitedLog

PIECE_COST = 256
"""Bytes of memory that a piece takes besides its data, about: tiny reads are bounded, too."""

SPOOLED_AT_ONCE = 1 << 20
WORTH_SPOOLING = 1 << 16
"""Bytes that are let gather while the spool is in use already."""

RECORD_BYTES = 1 << 16
"""Reads are joined up to here; a disk that is nearly full still has room for some."""

STOP_WORTH_SAYING = 0.1
"""Seconds; the spooling thread makes room sooner than that, while there is some on disk."""

RETRY = 1.0
"""Seconds after which the spool is tried again when it could not be written."""

log = logging.getLogger(__name__)


class BacklogStatistics(NamedTuple):
    """What waits, and what has waited."""

    memory_bytes: int
    memory_pieces: int
    spool_bytes: int
    """Bytes of input in the spool that were not taken."""
    spool_pieces: int
    spooled_bytes: int
    """Bytes of input that went to the spool since the start."""
    stopped_seconds: float
    """How long nothing was read since the start, because there was no room."""
    read_bytes: int
    """Bytes of input that were read since the start."""


class Backlog:
    """A bounded queue of pieces, in order."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._mark = limit // 4
        self._spool: Spool | None = None
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)  # something was taken, or spooled
        self._work = threading.Condition(self._lock)  # perhaps there is something to spool
        self._memory: deque[Piece] = deque()
        self._bytes = 0
        self._moving: list[Piece] = []  # on their way to the spool, before all in memory
        self._spooled = self._read = 0
        self._open = False
        self._ended = False
        self._error: OSError | None = None
        self._unbounded = False
        self._stopped_at: float | None = None
        self._stopped = 0.0
        self._closing = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._taken = 0
        self._given: deque[tuple[int, int]] = deque()  # our count and the spool's, when it gave
        self._full_log = RateLimitedLog(log)
        self._error_log = RateLimitedLog(log)
        self._begin_log = RateLimitedLog(log)
        self._begin_was_said = False
        self._began: tuple[float, int] | None = None  # when, and what had been spooled before
        self._retry_at = 0.0

    # For the thread that reads.

    def put(self, data: bytes, arrival: float) -> None:
        """Takes what was read; returns when there is room for more."""
        with self._lock:
            self._memory.append(Piece(data, arrival))
            self._read += len(data)
            self._bytes += len(data)
            self._tell()
            if self._has_room():
                return
            self._stopped_at = time.monotonic()
            goes_on = self._room.wait_for(self._has_room, STOP_WORTH_SAYING)
        said = not goes_on and self._full_log.warning(
            "reading has stopped: %d bytes of input wait for the outputs, and that is the limit",
            self._bytes + self._spool_bytes(),
        )
        with self._lock:
            self._room.wait_for(self._has_room)
            stopped = time.monotonic() - self._stopped_at
            self._stopped += stopped
            self._stopped_at = None
        if said:
            log.warning("reading goes on after %.1f s", stopped)

    def end(self, error: OSError | None = None) -> None:
        """Notes that nothing comes any more, and why if it is not the end of the input."""
        with self._lock:
            self._ended = True
            self._error = error
            self._tell()

    def unblock(self) -> None:
        """Lets `put` return although there is no room, now and from now on."""
        with self._lock:
            self._unbounded = True
            self._room.notify_all()

    # For the thread that takes.

    def open(
        self, spool: Spool | None = None, former: Sequence[Piece] = (), *, unfinished: bool = False
    ) -> None:
        """Lets things be taken: what is in the spool, `former` pieces, and then what is read.

        `unfinished` says that the taker holds the start of a line, which this old input goes on
        with. In any case, a line ends where old input does.
        """
        if spool is not None:
            unfinished = spool.load(within_line=unfinished)
        old = list(former)
        if old:
            unfinished = not old[-1].data.endswith(b"\n")
        with self._lock:
            if unfinished:
                old.append(Piece(b"\n", old[-1].arrival if old else time.monotonic()))
            self._memory.extendleft(reversed(old))
            self._bytes += sum(len(data) for data, _ in old)
            self._spool = spool
            self._open = True
            self._tell()
        if spool is not None:
            self._thread.start()

    def passed(self, size: int) -> None:
        """So many bytes went past it: whoever takes has read them from the input."""
        with self._lock:
            self._read += size

    def fileno(self) -> int:
        """Readable when there is something to take, or the input has ended."""
        return self._wake

    @property
    def size(self) -> int:
        """Bytes that wait to be taken; none while nothing can be taken."""
        with self._lock:
            if not self._can_take():
                return 0
            return self._bytes + self._spool_bytes()

    def waits(self, now: float) -> tuple[int, float]:
        """Bytes that wait to be taken, and for how many seconds the oldest of them has waited."""
        with self._lock:
            if not self._can_take():
                return 0, 0.0
            if self._spool_bytes():
                return self._bytes + self._spool_bytes(), math.inf
            return self._bytes, now - self._memory[0].arrival

    @property
    def is_idle(self) -> bool:
        """Whether it would give what comes at once, and has nothing."""
        with self._lock:
            return self._open and not self._ended and self._is_empty()

    @property
    def ended(self) -> bool:
        """Whether the input has ended and everything was taken."""
        if not self._ended:
            return False
        with self._lock:
            return self._has_ended()

    @property
    def error(self) -> OSError | None:
        """What ended the input, if it was not its end."""
        return self._error

    @property
    def taken(self) -> int:
        """Bytes that were taken since the start: a point that `release` understands."""
        return self._taken

    def take(self, most: int) -> Piece | None:
        """The oldest input that came at one time, up to about `most` bytes, if there is any."""
        while True:
            with self._lock:
                if not self._can_take():
                    self._tell()
                    return None
                spool = self._spool
                if spool is None or not self._spool_bytes():
                    piece = self._take_from_memory(most)
                    self._taken += len(piece.data)
                    self._tell()
                    return piece
            if (found := spool.take(most)) is not None:
                self._taken += len(found.data)
                self._given.append((self._taken, spool.taken))
                with self._lock:
                    self._tell()
                return found

    def release(self, taken: int | None = None) -> None:
        """Has the spool forget what was taken when `taken` had this value; or all that was."""
        upto = self._taken if taken is None else taken
        given = None
        while self._given and self._given[0][0] <= upto:
            given = self._given.popleft()[1]
        if given is not None and self._spool is not None:
            self._spool.release(given)
            with self._lock:
                self._retry_at = 0.0  # there may be room now
                self._work.notify()

    def keep(self) -> list[Piece]:
        """Puts what was not taken into the spool, for the next run; returns what has no room there.

        To be called when nothing is read any more.
        """
        self._end_thread()
        rest = deque([*self._moving, *self._memory])
        if self._spool is not None:
            try:
                while rest:
                    piece = pop_joined(rest, RECORD_BYTES)
                    try:
                        self._spool.append(piece)
                    except OSError:
                        rest.appendleft(piece)
                        raise
                    self._spooled += len(piece.data)
                self._spool.sync()
            except OSError as error:
                self._say_trouble(self._spool, error)
        with self._lock:
            self._memory, self._moving = deque(), []
            self._bytes = 0
        return list(rest)

    def close(self) -> None:
        """Ends what is done in the background; what was not kept is gone."""
        self._end_thread()
        if self._spool is not None:
            self._spool.close()
        os.close(self._wake)

    def statistics(self) -> BacklogStatistics:
        """How it is now."""
        with self._lock:
            now = time.monotonic()
            stopped = self._stopped + (now - self._stopped_at if self._stopped_at else 0.0)
            waits = self._spool.statistics() if self._spool else None
            return BacklogStatistics(
                self._bytes,
                len(self._memory) + len(self._moving),
                waits.bytes if waits else 0,
                waits.pieces if waits else 0,
                self._spooled,
                stopped,
                self._read,
            )

    # With the lock.

    def _has_room(self) -> bool:
        return self._unbounded or self._cost() < self.limit

    def _cost(self) -> int:
        return self._bytes + (len(self._memory) + len(self._moving)) * PIECE_COST

    def _spool_bytes(self) -> int:
        return self._spool.bytes if self._spool is not None else 0

    def _is_empty(self) -> bool:
        return not (self._memory or self._moving or self._spool_bytes())

    def _can_take(self) -> bool:
        if not self._open:
            return False
        return self._spool_bytes() > 0 or (bool(self._memory) and not self._moving)

    def _has_ended(self) -> bool:
        return self._open and self._ended and self._is_empty()

    def _tell(self) -> None:
        """Wakes who has something to do now; lets the taker sleep if it has nothing."""
        if self._can_take() or self._has_ended():
            os.eventfd_write(self._wake, 1)
        else:
            with suppress(BlockingIOError):  # it was clear
                os.eventfd_read(self._wake)
        if self._can_spool() or (self._began is not None and not self._spool_bytes()):
            self._work.notify()

    def _take_from_memory(self, most: int) -> Piece:
        piece = pop_joined(self._memory, most)
        self._bytes -= len(piece.data)
        self._room.notify()
        return piece

    def _can_spool(self) -> bool:
        """Whether it is time to move something to the spool."""
        if self._spool is None or not self._open:
            return False
        least = min(WORTH_SPOOLING, self._mark) if self._spool_bytes() else self._mark
        return self._cost() > least

    # The thread that spools.

    def _run(self) -> None:
        spool = self._spool
        assert spool is not None
        while self._wait_for_work(spool):
            if not self._can_spool():
                self._say_end(spool)
                continue
            if self._began is None:
                self._say_begin(spool)
            try:
                self._move(spool)
            except OSError as error:
                self._say_trouble(spool, error)
                self._wait_for_retry()

    def _wait_for_work(self, spool: Spool) -> bool:
        """Whether there is something to move or to say; no if it is time to end."""
        with self._lock:
            while not self._closing:
                if self._can_spool() or (self._began is not None and not spool.bytes):
                    return True
                self._work.wait()
        return False

    def _wait_for_retry(self) -> None:
        with self._lock:
            self._retry_at = time.monotonic() + RETRY
            while not self._closing and (left := self._retry_at - time.monotonic()) > 0:
                self._work.wait(left)

    def _move(self, spool: Spool) -> None:
        """Moves the oldest pieces in memory to the spool. Raises OSError if some stay."""
        with self._lock:
            size = 0
            while self._memory and size < SPOOLED_AT_ONCE:
                self._moving.append(pop_joined(self._memory, RECORD_BYTES))
                size += len(self._moving[-1].data)
        moved = 0
        try:
            for piece in self._moving:
                spool.append(piece)
                moved += 1
        finally:
            with self._lock:
                done = sum(len(piece.data) for piece in self._moving[:moved])
                self._memory.extendleft(reversed(self._moving[moved:]))
                self._moving = []
                self._bytes -= done
                self._spooled += done
                self._room.notify()
                self._tell()

    def _say_begin(self, spool: Spool) -> None:
        self._began = (time.monotonic(), self._spooled)
        self._begin_was_said = self._begin_log.warning(
            "outputs are slow: input goes to the spool %s", spool.path
        )

    def _say_end(self, spool: Spool) -> None:
        assert self._began is not None
        since, spooled = self._began
        self._began = None
        if self._begin_was_said:
            log.warning(
                "spool %s: empty again after %.0f s and %d bytes",
                spool.path,
                time.monotonic() - since,
                self._spooled - spooled,
            )

    def _say_trouble(self, spool: Spool, error: OSError) -> None:
        self._error_log.error(
            "spool %s: cannot be written: %s", spool.path, error.strerror or error
        )

    def _end_thread(self) -> None:
        with self._lock:
            self._closing = True
            self._work.notify()
        if self._thread.ident is not None:
            self._thread.join()

"""The backlog: input that was read and not processed yet, in memory and in the spool.

The reading thread puts, and waits while memory is full. The main thread takes, and never waits.
When memory is a quarter full, the spooling thread moves the oldest input to the spool, and
continues until the spool is empty. When the spool is full or cannot be written, memory fills up,
and reading stops until something is taken.
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
"""Approximate bytes of a piece besides its data, so that tiny reads are bounded, too."""

SPOOLED_AT_ONCE = 1 << 20
LEAST_SPOOLED = 1 << 16
"""Bytes that gather in memory before they follow others to the spool."""

RECORD_BYTES = 1 << 16
"""Bytes up to which reads are joined: small enough for a nearly full disk."""

LOGGED_STOP = 0.1
"""Seconds after which a stop is logged; the spooling thread makes room sooner if it can."""

RETRY = 1.0
"""Seconds until the next attempt to write to the spool after an error."""

log = logging.getLogger(__name__)


class BacklogStatistics(NamedTuple):
    """Sizes now, and totals since the start."""

    memory_bytes: int
    memory_pieces: int
    spool_bytes: int
    """Bytes of input in the spool that were not taken yet."""
    spool_pieces: int
    spooled_bytes: int
    """Bytes of input that were written to the spool since the start."""
    stopped_seconds: float
    """Seconds since the start in which reading was stopped, because there was no room."""
    read_bytes: int
    """Bytes of input that were read since the start."""


class Backlog:
    """A bounded queue of pieces, in order."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._mark = limit // 4
        self._spool: Spool | None = None
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)  # notified when something was taken or spooled
        self._work = threading.Condition(self._lock)  # notified when there is something to spool
        self._memory: deque[Piece] = deque()
        self._bytes = 0
        self._moving: list[Piece] = []  # being written to the spool; older than all in memory
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
        # After each take from the spool: our `taken` and that of the spool.
        self._given: deque[tuple[int, int]] = deque()
        self._full_log = RateLimitedLog(log)
        self._error_log = RateLimitedLog(log)
        self._begin_log = RateLimitedLog(log)
        self._begin_was_logged = False
        # When spooling began, and the bytes that were spooled before; None while not spooling.
        self._began: tuple[float, int] | None = None
        self._retry_at = 0.0

    # --- reading thread

    def put(self, data: bytes, arrival: float) -> None:
        """Adds what was read; returns when there is room for more."""
        with self._lock:
            self._memory.append(Piece(data, arrival))
            self._read += len(data)
            self._bytes += len(data)
            self._update_wake()
            if self._has_room():
                return
            self._stopped_at = time.monotonic()
            has_room = self._room.wait_for(self._has_room, LOGGED_STOP)
        is_logged = not has_room and self._full_log.warning(
            "reading stopped: backlog full, %d bytes wait for the outputs",
            self._bytes + self._spool_bytes(),
        )
        with self._lock:
            self._room.wait_for(self._has_room)
            stopped = time.monotonic() - self._stopped_at
            self._stopped += stopped
            self._stopped_at = None
        if is_logged:
            log.warning("reading resumed after %.1f s", stopped)

    def end(self, error: OSError | None = None) -> None:
        """Marks the end of the input; `error` is the reason if it is not its end of file."""
        with self._lock:
            self._ended = True
            self._error = error
            self._update_wake()

    def unblock(self) -> None:
        """Makes `put` return even if there is no room, from now on."""
        with self._lock:
            self._unbounded = True
            self._room.notify_all()

    # --- main thread

    def open(
        self, spool: Spool | None = None, former: Sequence[Piece] = (), *, unfinished: bool = False
    ) -> None:
        """Makes `take` return pieces: those in the spool, then `former`, then those that are read.

        `unfinished` is true if the caller has the start of a line that the old input continues. A
        line feed is added if the old input ends within a line.
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
            self._update_wake()
        if spool is not None:
            self._thread.start()

    def count_read(self, size: int) -> None:
        """Counts bytes that the main thread has read from a borrowed input."""
        with self._lock:
            self._read += size

    def fileno(self) -> int:
        """Returns a descriptor that is readable when there is a piece, or the input has ended."""
        return self._wake

    @property
    def size(self) -> int:
        """Bytes that can be taken."""
        with self._lock:
            if not self._can_take():
                return 0
            return self._bytes + self._spool_bytes()

    def waiting(self, now: float) -> tuple[int, float]:
        """Returns the bytes that can be taken, and the age of the oldest in seconds.

        The age is infinite if the oldest is in the spool.
        """
        with self._lock:
            if not self._can_take():
                return 0, 0.0
            if self._spool_bytes():
                return self._bytes + self._spool_bytes(), math.inf
            return self._bytes, now - self._memory[0].arrival

    @property
    def is_idle(self) -> bool:
        """True if it is open and empty, and the input has not ended."""
        with self._lock:
            return self._open and not self._ended and self._is_empty()

    @property
    def ended(self) -> bool:
        """True if the input has ended and everything was taken."""
        if not self._ended:
            return False
        with self._lock:
            return self._has_ended()

    @property
    def error(self) -> OSError | None:
        """The error that ended the input, if any."""
        return self._error

    @property
    def taken(self) -> int:
        """Bytes that were taken since the start; an argument for `release`."""
        return self._taken

    def take(self, most: int) -> Piece | None:
        """Removes and returns the oldest pieces that arrived together, up to about `most` bytes.

        The spool keeps them on disk until `release`.
        """
        while True:
            with self._lock:
                if not self._can_take():
                    self._update_wake()
                    return None
                spool = self._spool
                if spool is None or not self._spool_bytes():
                    piece = self._take_from_memory(most)
                    self._taken += len(piece.data)
                    self._update_wake()
                    return piece
            if (found := spool.take(most)) is not None:
                self._taken += len(found.data)
                self._given.append((self._taken, spool.taken))
                with self._lock:
                    self._update_wake()
                return found

    def release(self, taken: int | None = None) -> None:
        """Removes from disk what was taken when `self.taken` had this value; None for all."""
        upto = self._taken if taken is None else taken
        given = None
        while self._given and self._given[0][0] <= upto:
            given = self._given.popleft()[1]
        if given is not None and self._spool is not None:
            self._spool.release(given)
            with self._lock:
                self._retry_at = 0.0  # the disk may have room now
                self._work.notify()

    def spool_rest(self) -> list[Piece]:
        """Moves all of memory to the spool, for the next run; returns what has no room there.

        Call it when the reader is closed.
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
                self._log_error(self._spool, error)
        with self._lock:
            self._memory, self._moving = deque(), []
            self._bytes = 0
        return list(rest)

    def close(self) -> None:
        """Ends the spooling thread and closes the spool; pieces in memory are lost."""
        self._end_thread()
        if self._spool is not None:
            self._spool.close()
        os.close(self._wake)

    def statistics(self) -> BacklogStatistics:
        """Returns sizes and totals."""
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

    # --- with the lock held

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

    def _update_wake(self) -> None:
        """Wakes the main thread or lets it sleep; wakes the spooling thread if it has work."""
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
        """Returns True if it is time to move something to the spool."""
        if self._spool is None or not self._open:
            return False
        least = min(LEAST_SPOOLED, self._mark) if self._spool_bytes() else self._mark
        return self._cost() > least

    # --- spooling thread

    def _run(self) -> None:
        spool = self._spool
        assert spool is not None
        while self._wait_for_work(spool):
            if not self._can_spool():
                self._log_end(spool)
                continue
            if self._began is None:
                self._log_begin(spool)
            try:
                self._move(spool)
            except OSError as error:
                self._log_error(spool, error)
                self._wait_for_retry()

    def _wait_for_work(self, spool: Spool) -> bool:
        """Returns True when there is something to move or to log; False when it is time to end."""
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
        """Moves the oldest pieces from memory to the spool. Raises OSError if some stay."""
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
                self._update_wake()

    def _log_begin(self, spool: Spool) -> None:
        self._began = (time.monotonic(), self._spooled)
        self._begin_was_logged = self._begin_log.warning(
            "outputs are slow: writing input to the spool %s", spool.path
        )

    def _log_end(self, spool: Spool) -> None:
        assert self._began is not None
        since, spooled = self._began
        self._began = None
        if self._begin_was_logged:
            log.warning(
                "spool %s: empty after %.0f s and %d bytes",
                spool.path,
                time.monotonic() - since,
                self._spooled - spooled,
            )

    def _log_error(self, spool: Spool, error: OSError) -> None:
        self._error_log.error(
            "spool %s: cannot be written: %s", spool.path, error.strerror or error
        )

    def _end_thread(self) -> None:
        with self._lock:
            self._closing = True
            self._work.notify()
        if self._thread.ident is not None:
            self._thread.join()

"""The reading thread: it reads, and nothing can hold it up but a full memory.

The socket from auditd holds about 60 KB, and while nobody reads it, every plugin of the machine
waits, and in the end every audited process. So this thread does not parse, and writes no file.

While little comes, the main thread has nothing else to do, and a second thread that wakes up
for each batch, with cold caches, would take a fifth of the CPU time. So the main thread borrows the
input while it waits for something to do, and gives it back before it does anything that could
take long. If it has not borrowed it again by the time at which somebody must look, a timer
wakes this thread, which then reads until the main thread has time again.
"""

from __future__ import annotations

import threading
import time

from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.inputs import Input
from laurel_mp.pipeline.intake.linger import SHORTEST_NAP, LingerPolicy, unread
from laurel_mp.pipeline.intake.pieces import Piece
from laurel_mp.system.timer_fd import TimerFd


class Reader:
    """Reads an input into a backlog, in a thread of its own, and notes when each read came.

    `linger` is for how many seconds records may gather before they are handed on, while few come.
    """

    def __init__(self, source: Input, backlog: Backlog, linger: float = 0.025) -> None:
        self.linger = LingerPolicy(linger)
        self._source = source
        self._backlog = backlog
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._lock = threading.Lock()
        """Held by the thread while it reads, which it does only if the input is not lent then."""
        self._is_lent = False
        self._is_over = False
        """Whether the main thread has no use for the input any more."""
        self._error: OSError | None = None
        self._guard = TimerFd()

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def stop(self) -> None:
        """Reads what is there, and ends; an input with an end of its own is read up to that.

        Does not wait, and may be called by a signal handler.
        """
        self._is_over = True
        self._source.stop()
        self._guard.arm()

    def close(self) -> None:
        """Ends at once; all that was read is in the backlog then."""
        self._is_over = True
        self._source.interrupt()
        self._backlog.unblock()
        self._guard.arm()
        if self._thread.ident is not None:
            self._thread.join()
        self._source.close()
        self._guard.close()

    # For the main thread.

    def borrow(self) -> bool:
        """Whether the input is for the main thread to read; it has to give it back soon."""
        if self._is_over or not self._lock.acquire(blocking=False):
            return False
        self._is_lent = self._source.fileno() >= 0 and self._backlog.is_idle
        self._lock.release()
        if self._is_lent:
            self._guard.disarm()
        return self._is_lent

    def fileno(self) -> int:
        """What becomes readable when there is something to collect from a borrowed input."""
        return self._source.fileno()

    def collect(self, most: int) -> Piece | None:
        """What comes in the time for which records may gather, up to about `most` bytes."""
        linger, fd, began = self.linger, self._source.fileno(), time.monotonic()
        left, size = linger.rest(fd, linger.time), 0
        pieces = []
        while data := self._receive():
            pieces.append(data)
            size += len(data)
            if left <= 0 or size >= most or not linger.nap:
                break
            left = linger.rest(fd, min(left, linger.time - (time.monotonic() - began)))
            if unread(fd) <= 0:
                break  # where nothing is, a read would wait
        return Piece(b"".join(pieces), began) if pieces else None

    def give_back(self) -> None:
        """The main thread has other things to do."""
        self._is_lent = False
        self._guard.arm(0.0 if self._is_over else max(self.linger.nap, SHORTEST_NAP))

    def _receive(self) -> bytes:
        """What is there; nothing if it is the thread that has to see to the input now."""
        try:
            data = self._source.receive()
        except OSError as error:
            self._error, data = error, b""
        if data:
            self.linger.note(data)
        elif data is not None:
            self._is_over = True
        return data or b""

    # The thread.

    def _run(self) -> None:
        try:
            while self._read_until_lent():
                self._guard.wait()
        except OSError as error:
            self._error = self._error or error
        self._backlog.end(self._error)

    def _read_until_lent(self) -> bool:
        """Returns when the input was found to be lent; False if it has ended."""
        source, linger, nap = self._source, self.linger, 0.0
        while source.wait():
            if nap:
                time.sleep(nap)
            with self._lock:
                if self._is_lent:
                    return True
                arrival = time.monotonic() - nap
                data = source.receive()
                if data:
                    self._backlog.put(data, arrival)
                    linger.note(data)
                    nap = linger.nap
                elif data is not None:
                    return False
        return False

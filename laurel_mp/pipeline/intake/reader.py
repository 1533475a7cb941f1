"""The reading thread, which only a full memory can stop.

The socket from auditd holds about 60 KB. When it is full, all plugins of the machine wait, and in
the end all audited processes. So this thread parses nothing and writes no file.

At a low rate the main thread is idle, and a second thread that wakes up for each batch, with cold
caches, would take a fifth of the CPU time. So the main thread borrows the input while it is idle,
and gives it back before it does anything that could take long. If it does not borrow it again
before the next read is due, a timer wakes this thread, which reads until the main thread is idle
again.
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
    """Reads an input into a backlog in a thread of its own, unless the main thread borrows it.

    `linger`, in seconds: see LingerPolicy.
    """

    def __init__(self, source: Input, backlog: Backlog, linger: float = 0.025) -> None:
        self.linger = LingerPolicy(linger)
        self._source = source
        self._backlog = backlog
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._lock = threading.Lock()
        """Held by the reading thread while it reads; it reads only if the input is not lent."""
        self._is_lent = False
        self._is_over = False
        """True if the input has ended or was stopped: it is lent no more."""
        self._error: OSError | None = None
        self._timer = TimerFd()

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the input behind what was sent so far; standard input ends at its end of file.

        Does not wait. A signal handler may call it.
        """
        self._is_over = True
        self._source.stop()
        self._timer.arm()

    def close(self) -> None:
        """Stops reading at once, and waits for the thread; all that was read is in the backlog."""
        self._is_over = True
        self._source.interrupt()
        self._backlog.unblock()
        self._timer.arm()
        if self._thread.ident is not None:
            self._thread.join()
        self._source.close()
        self._timer.close()

    # --- main thread

    def borrow(self) -> bool:
        """Takes the input for the main thread, if it can; returns True if it did.

        `give_back` is due soon.
        """
        if self._is_over or not self._lock.acquire(blocking=False):
            return False
        self._is_lent = self._source.fileno() >= 0 and self._backlog.is_idle
        self._lock.release()
        if self._is_lent:
            self._timer.disarm()
        return self._is_lent

    def fileno(self) -> int:
        """Returns a descriptor that is readable when a borrowed input has something to collect."""
        return self._source.fileno()

    def collect(self, most: int) -> Piece | None:
        """Reads a borrowed input for as long as records may gather, or up to about `most` bytes."""
        linger, fd, began = self.linger, self._source.fileno(), time.monotonic()
        left, size = linger.sleep(fd, linger.time), 0
        pieces = []
        while data := self._receive():
            pieces.append(data)
            size += len(data)
            if left <= 0 or size >= most or not linger.nap:
                break
            left = linger.sleep(fd, min(left, linger.time - (time.monotonic() - began)))
            if unread(fd) <= 0:
                break  # a read would block
        return Piece(b"".join(pieces), began) if pieces else None

    def give_back(self) -> None:
        """Returns a borrowed input to the thread, which reads when the next read is due."""
        self._is_lent = False
        self._timer.arm(0.0 if self._is_over else max(self.linger.nap, SHORTEST_NAP))

    def _receive(self) -> bytes:
        """Reads once; returns nothing if the thread has to handle the end or an error."""
        try:
            data = self._source.receive()
        except OSError as error:
            self._error, data = error, b""
        if data:
            self.linger.record_read(data)
        elif data is not None:
            self._is_over = True
        return data or b""

    # --- reading thread

    def _run(self) -> None:
        try:
            while self._read_until_lent():
                self._timer.wait()
        except OSError as error:
            self._error = self._error or error
        self._backlog.end(self._error)

    def _read_until_lent(self) -> bool:
        """Reads until the input is lent, then returns True; returns False if it has ended."""
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
                    linger.record_read(data)
                    nap = linger.nap
                elif data is not None:
                    return False
        return False

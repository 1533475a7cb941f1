"""Signals as a queue that the main loop takes from, and that wakes it up."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType

from laurel_mp.pipeline.daemon.bootstrap import STOP_SIGNALS

HANDLED = (*STOP_SIGNALS, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """Queues the signals of the plugin. The handlers do nothing else."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._polled: tuple[int, ...] | None = None
        """The descriptors in `_poll`, besides our own."""

    def install(self) -> None:
        """Handles signals from now on."""
        for number in HANDLED:
            signal.signal(number, self._on_signal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)

    def __bool__(self) -> bool:
        """True if there are signals to be taken."""
        return bool(self._numbers)

    @property
    def has_reload(self) -> bool:
        """True if SIGHUP is among them."""
        return signal.SIGHUP in self._numbers

    def take(self) -> list[int]:
        """Returns all signals, and empties the queue."""
        numbers, self._numbers = self._numbers, []
        return numbers

    def take_stop(self) -> bool:
        """Takes the signals that end the program; returns True if there were any."""
        others = [number for number in self._numbers if number not in STOP_SIGNALS]
        found = len(others) < len(self._numbers)
        self._numbers = others
        return found

    def wait(self, seconds: float, fds: tuple[int, ...]) -> list[int]:
        """Waits for a descriptor, a signal or a time-out; returns those that are readable."""
        if self._numbers:
            return []
        if fds != self._polled:
            self._polled = fds
            self._poll = select.poll()
            for fd in (self._wake, *fds):
                self._poll.register(fd, select.POLLIN)
        ready = [fd for fd, _ in self._poll.poll(seconds * 1000)]
        if self._wake in ready:
            os.eventfd_read(self._wake)
        return ready

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._numbers.append(number)
        os.eventfd_write(self._wake, 1)

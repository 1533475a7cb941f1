"""A timer that one thread sets and another one waits for, by timerfd_create(2).

To set it costs a system call and wakes no thread; a condition variable would wake the other thread
each time. Python 3.13 has os.timerfd_create.
"""

from __future__ import annotations

import ctypes
import os
import time


class _Setting(ctypes.Structure):  # struct itimerspec, with a time_t as long as a long
    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


class TimerFd:
    """Wakes the thread in `wait` after a time, unless it is disarmed before."""

    def __init__(self) -> None:
        """Raises OSError if the system has no such timers."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._set = libc.timerfd_settime
        self._set.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._fd: int = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._seconds = 0.0
        self._setting = _Setting(nanoseconds=1)
        self._place = ctypes.addressof(self._setting)
        self._never = _Setting()
        self._never_place = ctypes.addressof(self._never)

    def arm(self, seconds: float = 0.0) -> None:
        """Makes `wait` return after so many seconds."""
        if seconds != self._seconds:  # mostly it is the same
            self._seconds = seconds
            self._setting.seconds = int(seconds)
            self._setting.nanoseconds = int(seconds % 1 * 1e9) or 1
        self._set(self._fd, 0, self._place, None)

    def disarm(self) -> None:
        """Stops the timer until it is armed again."""
        self._set(self._fd, 0, self._never_place, None)

    def wait(self) -> None:
        """Blocks until the time has passed."""
        os.read(self._fd, 8)

    def close(self) -> None:
        """Closes the descriptor; no thread may be in `wait`."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

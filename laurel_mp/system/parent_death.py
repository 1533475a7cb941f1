"""Ends a child when the process that forked it ends."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(parent: int) -> None:
    """Makes the kernel kill this process when `parent`, which has forked it, ends.

    Call it first in the child. A change of the user or more capabilities reset it; giving up
    capabilities does not [kernel: commit_creds()]. The kernel watches the thread that has forked:
    fork in the main thread.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before prctl
        os._exit(1)

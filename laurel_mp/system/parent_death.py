"""Children that end when the process that forked them does."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process when the one that forked it, `parent`, ends.

    To be called first of all in the child, by one that keeps its user: who changes it loses the
    setting, and so does who gets more capabilities; giving some up does no harm [kernel:
    commit_creds()]. It is about the thread that forked: use the main one.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was over before we were ready
        os._exit(1)

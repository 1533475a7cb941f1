"""The title of the process that auditd starts, as ps(1) shows it."""

from __future__ import annotations

import ctypes

from setproctitle import setproctitle

_PR_SET_NAME = 15  # <linux/prctl.h>

_NAME = b"laurel-mp"


def set_main_title(title: str) -> None:
    """Sets the title of this process, and keeps `laurel-mp` as its name.

    setproctitle(3) cuts the name to the first 15 bytes of the title, and then neither `pidof
    laurel-mp` nor `pkill -x laurel-mp` would find it.
    """
    setproctitle(f"laurel-mp: {title}")
    ctypes.CDLL(None).prctl(_PR_SET_NAME, _NAME, 0, 0, 0)

"""Where messages for the administrator go: stderr, and syslog where stderr leads nowhere."""

from __future__ import annotations

import logging
import logging.handlers
import os
import stat
import sys

SYSLOG = "/dev/log"


def start_logging() -> None:
    """Sets up logging for the plugin, once."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    if _is_dropped(2) and stat.S_ISSOCK(_mode(SYSLOG)):
        handler: logging.Handler = logging.handlers.SysLogHandler(
            SYSLOG, facility=logging.handlers.SysLogHandler.LOG_DAEMON
        )
        handler.setFormatter(logging.Formatter(f"laurel-mp[{os.getpid()}]: %(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("laurel-mp: %(message)s"))
    root.addHandler(handler)


def _is_dropped(fd: int) -> bool:
    """Whether what is written to `fd` goes to /dev/null, as auditd sets it up."""
    try:
        return os.fstat(fd).st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116
    except OSError:
        return True


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return 0

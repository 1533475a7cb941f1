"""Standard input, output and error of a process that nobody sits in front of."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Opens /dev/null where standard input, output or error is closed.

    Otherwise the next file that is opened takes its descriptor, and messages go into that file.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - stays open to the end


def detach_stdin() -> None:
    """Replaces standard input by /dev/null in a child: its writer must see when ingest ends."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

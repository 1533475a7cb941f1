"""Standard input, output and error of a daemon."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Opens /dev/null for each of the three that is closed.

    Otherwise the next opened file gets its descriptor, and messages go into that file.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # open(2) returns the lowest free number
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - stays open


def detach_stdin() -> None:
    """Replaces standard input by /dev/null in a child, so that its writer sees when ingest ends."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

"""Runs external commands with a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

DEADLINE = 5.0
"""Seconds for a command."""

MOST = 4 << 20
"""Maximum of output that is used, in bytes."""

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Done:
    """Result of a command."""

    status: int | None
    """None if it did not end in time."""
    out: str = ""
    err: str = ""
    seconds: float = 0.0

    @property
    def complaint(self) -> str:
        """Error message of the command, or its status."""
        if self.status is None:
            return f"no answer within {self.seconds:.0f} s"
        return (self.err.strip() or self.out.strip()).partition("\n")[0] or f"status {self.status}"


def run(words: Sequence[str], seconds: float = DEADLINE) -> Done:
    """Runs a command that changes nothing. Raises FileNotFoundError if it is not installed."""
    start = time.monotonic()
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_ENVIRONMENT,
        start_new_session=True,  # so that all its children can be killed with it
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # A process that is blocked by a dead file server cannot be killed: it is left alone.
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        return Done(None, seconds=time.monotonic() - start)
    took = time.monotonic() - start
    return Done(process.returncode, _text(out), _text(err), took)


def _text(data: bytes) -> str:
    return data[:MOST].decode("utf-8", "replace")

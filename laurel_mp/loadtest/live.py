"""The plugin as auditd has it, behind a socketpair, for measurements of what it does live."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.errors import LaurelError
from laurel_mp.loadtest.usage import cpu_seconds, pss_bytes, title, tree

START_SECONDS = 20.0

STOP_SECONDS = 60.0

_CONFIG = """\
directory = "{directory}"
statusreport-period = 0
[auditlog]
file = "{file}"
size = {size}
[state]
file = "{state}"
[pipeline]
workers = {workers}
{more}
"""


@dataclass(frozen=True)
class LivePlugin:
    """A plugin that runs."""

    process: subprocess.Popen[bytes]
    stdin: socket.socket
    """Where records go: one end of a socketpair, as with auditd."""

    def processes(self) -> dict[int, str]:
        """What each of its processes calls itself, by process id."""
        return {pid: title(pid) for pid in tree(self.process.pid)}

    def cpu(self) -> dict[int, float]:
        """The CPU seconds of each of its processes."""
        return {pid: cpu_seconds(pid) for pid in tree(self.process.pid)}

    def memory(self) -> dict[int, int]:
        """The bytes of each of its processes, shared pages divided."""
        return {pid: pss_bytes(pid) for pid in tree(self.process.pid)}


@contextlib.contextmanager
def live_plugin(
    workers: str,
    *,
    more: str = "",
    file: str = "audit.log",
    stdout: int = subprocess.DEVNULL,
    size: int = 10_485_760,
) -> Iterator[LivePlugin]:
    """The plugin with this many workers; `more` is TOML behind those of `[pipeline]`.

    In the block it has started all of its processes. Raises LaurelError.
    """
    with tempfile.TemporaryDirectory(prefix="live-", dir="/dev/shm") as name:  # noqa: S108
        directory = Path(name)
        config = directory / "config.toml"
        config.write_text(
            _CONFIG.format(
                directory=directory,
                file=file,
                size=size,
                state="state",
                more=more,
                workers=workers if workers.isdecimal() else f'"{workers}"',
            )
        )
        config.chmod(0o600)
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [sys.executable, "-m", "laurel_mp", "-c", config],
            stdin=theirs,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        plugin = LivePlugin(process, ours)
        try:
            _await_start(plugin, workers)
            yield plugin
            ours.close()
            process.wait(STOP_SECONDS)
        finally:
            ours.close()
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


def await_rest(plugin: LivePlugin, seconds: float = START_SECONDS) -> None:
    """Returns when all processes use nearly nothing any more. Raises LaurelError."""
    deadline, before = time.monotonic() + seconds, -1.0
    while time.monotonic() < deadline:
        used = sum(plugin.cpu().values())
        if used - before < 0.01:
            return
        before = used
        time.sleep(0.5)
    raise LaurelError(f"the plugin does not come to rest within {seconds:g} s")


def _await_start(plugin: LivePlugin, workers: str) -> None:
    """Returns when its processes have nothing to do any more."""
    deadline = time.monotonic() + START_SECONDS
    expected = 1 if workers == "0" else 4
    before = -1.0
    while time.monotonic() < deadline:
        if plugin.process.poll() is not None:
            assert plugin.process.stderr is not None
            raise LaurelError(plugin.process.stderr.read().decode().strip())
        with contextlib.suppress(OSError):
            used = sum(plugin.cpu().values())
            if used - before < 0.002 and len(plugin.processes()) >= expected and used > 0.05:
                return
            before = used
        time.sleep(0.3)
    raise LaurelError(f"the plugin does not come to rest within {START_SECONDS:g} s")

"""The plugin as auditd has it, behind a socketpair, for measurements of what it does live."""

from __future__ import annotations

import contextlib
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

LOOK = 0.3

AT_REST = 0.01
"""CPU seconds between two looks."""

_CONFIG = """\
directory = "{directory}"
[pipeline]
workers = {workers}
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

    def await_rest(self, seconds: float = START_SECONDS) -> None:
        """Returns when its processes use nearly nothing any more. Raises LaurelError."""
        deadline, before = time.monotonic() + seconds, -1.0
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise LaurelError(f"the plugin has ended with status {self.process.returncode}")
            with contextlib.suppress(OSError):  # one of them has just ended
                used = sum(self.cpu().values())
                if used - before < AT_REST and used > AT_REST:
                    return
                before = used
            time.sleep(LOOK)
        raise LaurelError(f"the plugin does not come to rest within {seconds:g} s")


@contextlib.contextmanager
def live_plugin(workers: str) -> Iterator[LivePlugin]:
    """The plugin with the default configuration and this many workers.

    In the block it has started all of its processes; then its input ends. Raises LaurelError.
    """
    with tempfile.TemporaryDirectory(prefix="laurel-mp-live-") as name:
        config = Path(name) / "config.toml"
        count = workers if workers.isdecimal() else f'"{workers}"'
        config.write_text(_CONFIG.format(directory=name, workers=count))
        config.chmod(0o600)
        ours, theirs = socket.socketpair()
        command: list[str | Path] = [sys.executable, "-m", "laurel_mp", "-c", config]
        process = subprocess.Popen(command, stdin=theirs.fileno())
        theirs.close()
        try:
            with ours:
                plugin = LivePlugin(process, ours)
                plugin.await_rest()
                yield plugin
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()

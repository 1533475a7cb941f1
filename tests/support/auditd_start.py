"""The program started exactly as auditd starts a plugin [auditd: audisp/audispd.c].

A socketpair for standard input, an empty environment, signals ignored or blocked, descriptors
from 24 up left open with auditd's own end of the socketpair among them, /dev/null for the other
streams, umask 022, and / for a working directory.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from tests.support import commands, requirements

SCRIPT = Path(sys.executable).parent / "laurel-mp"

FIRST_STRAY = 24
"""auditd closes 3 to 23, up to 4.0.4."""

BUFFER = 212992
"""Bytes: what auditd's sockets have, by the kernel's default."""

Generation = Literal["first", "restarted"]

_LAUNCHER = """
import json, os, signal, sys
generation, strays, command = json.loads(sys.argv[1])
for number, fd in enumerate(strays):
    os.dup2(fd, {first_stray} + number, inheritable=True)
if generation == "first":
    for number in set(signal.valid_signals()) - {{signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}}:
        signal.signal(number, signal.SIG_IGN)
else:
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {{
        signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD,
        signal.SIGCONT}})
null = os.open(os.devnull, os.O_RDWR)
os.dup2(null, 1)
os.dup2(null, 2)
os.closerange(3, {first_stray})
os.chdir("/")
os.umask(0o022)
os.execve(command[0], command, {{}})
"""

# A /dev of its own, so that what listens at /dev/log there is ours.
_OWN_DEV = (
    'for name in null urandom; do : > "$0/$name"; mount --bind "/dev/$name" "$0/$name"; done; '
    'mount --rbind "$0" /dev; exec "$@"'
)


@dataclass(frozen=True)
class Started:
    """A plugin that runs."""

    process: "subprocess.Popen[bytes]"
    auditd: socket.socket
    """auditd's end of its standard input."""
    stray: tuple[int, int]
    """Device and inode of a file that it was left with open."""

    def give(self, lines: bytes) -> None:
        """Write to its standard input."""
        self.auditd.sendall(lines)

    def all_processes(self) -> dict[str, psutil.Process]:
        """All of its processes by title, its first one as `ingest`."""
        found = commands.titles(self.process)
        return {"ingest": psutil.Process(self.process.pid)} | found

    def end_of_input(self, seconds: float = 20.0) -> int:
        """Close auditd's end, and return the exit status."""
        self.auditd.close()
        return self.process.wait(seconds)


@contextlib.contextmanager
def start_as_auditd(
    *arguments: object,
    generation: Generation = "first",
    program: tuple[str, ...] = (str(SCRIPT),),
    devices: Path | None = None,
) -> Iterator[Started]:
    """Run `laurel-mp` while the block does something with it.

    `generation` says whether auditd has just started itself, or starts the plugin again.
    With `devices`, an empty directory, the program sees that as its /dev; this needs root.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER // 2)  # the kernel doubles it
    with contextlib.ExitStack() as stack:
        stack.enter_context(ours)
        stray = stack.enter_context(tempfile.TemporaryFile())
        strays = [ours.fileno(), stray.fileno()]
        what = json.dumps([generation, strays, [*program, *map(str, arguments)]])
        launcher = [sys.executable, "-c", _LAUNCHER.format(first_stray=FIRST_STRAY), what]
        if devices is not None:
            requirements.root()
            launcher = [
                *("unshare", "--mount", "--propagation", "private"),
                *("sh", "-ec", _OWN_DEV, str(devices), *launcher),
            ]
        with theirs:
            process = subprocess.Popen(launcher, stdin=theirs.fileno(), pass_fds=strays)
        status = os.fstat(stray.fileno())
        try:
            yield Started(process, ours, (status.st_dev, status.st_ino))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def syslog(devices: Path) -> Iterator[socket.socket]:
    """A socket that listens at /dev/log of a program started with `devices`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(devices / "log"))
        (devices / "log").chmod(0o666)
        listener.settimeout(20)
        yield listener

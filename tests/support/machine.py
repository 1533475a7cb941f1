"""A machine to try things on as root: this one, but what is written to it is gone afterwards.

The root file system is the lower layer of an overlay in a mount namespace of its own, and a chroot
leads into it. Processes and the kernel's auditing are those of this machine.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import auditd, requirements
from tests.support.waiting import wait_until

CHECKOUT = Path(__file__).parent.parent.parent

HERE = "/srv/laurel-mp"
"""The checkout on the machine, read-only."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_MAKE = """\
set -e
mount -t tmpfs layers "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
for each in proc dev sys; do mount --rbind "/$each" "$each"; done
mount -t tmpfs run run
mkdir -p run/lock srv/laurel-mp
mount --bind "$2" srv/laurel-mp
mount -o remount,bind,ro srv/laurel-mp
echo made
exec chroot . sleep infinity
"""


@dataclass(frozen=True)
class Machine:
    """One that runs."""

    pid: int
    layers: Path

    def run(self, command: str, *, seconds: float = 110) -> str:
        """Have a shell in there run a command, in the checkout; what it prints, both ways."""
        done = self._enter("-r", "-w", "sh", "-ec", f"cd {HERE}\n{command}", seconds=seconds)
        if done.returncode:
            raise AssertionError(f"{command}: status {done.returncode}:\n{done.stdout}")
        return done.stdout

    def read(self, name: str) -> bytes:
        """Content of a file; empty if there is none."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            return b""

    def path(self, name: str) -> Path:
        """A file of the machine, as this process gets at it."""
        return Path(f"/proc/{self.pid}/root{name}")

    def changes(self) -> set[str]:
        """The names of all files that are not as they are outside, but for /run."""
        script = (
            'cd "$1"; find . -type d -o -print |'
            'while read -r name; do cmp -s "$name" "/$name" || echo "$name"; done;'
            "find . -type d -print |"
            'while read -r name; do [ -d "/$name" ] || echo "$name"; done'
        )
        found = self._enter("sh", "-c", script, "sh", str(self.layers / "upper"))
        return {name.removeprefix(".") for name in found.stdout.splitlines()}

    def _enter(self, *words: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", *words],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
            env=os.environ | {"PATH": _PATH},
        )


@contextmanager
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine for the length of the block."""
    requirements.root()
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        pytest.skip("needs a kernel with overlayfs")
    layers = tmp_path / "machine"
    layers.mkdir()
    process = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", _MAKE, "sh", layers, CHECKOUT],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    try:
        if process.stdout.readline() != "made\n":
            pytest.skip(f"needs to mount an overlay: {process.stderr.read().strip()}")
        root = Path(f"/proc/{process.pid}/root")
        wait_until(lambda: str(root.readlink()) != "/", "it has its root")
        yield Machine(process.pid, layers)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@contextmanager
def machine_with_auditd(directory: Path) -> Iterator[Machine]:
    """A machine with Debian's auditd, of which nothing runs before or after."""
    with auditd.alone(), machine(directory) as found:
        # No test may make this machine wait.
        found.path("/etc/audit/rules.d/audit.rules").write_text(auditd.HARMLESS)
        try:
            yield found
        finally:
            found.run("auditctl -D || true; auditctl -e 0 || true")
            # Not by its service: a plugin that could not be started takes auditd's pid file along.
            pid = _auditd(found)
            if pid:
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda: not Path(f"/proc/{pid}").exists(), "auditd ends", 30)


def _auditd(host: Machine) -> int:
    """The process that the kernel gives records to; 0 if there is none."""
    found = re.search(r"^pid (\d+)$", host.run("auditctl -s"), re.MULTILINE)
    assert found
    return int(found[1])

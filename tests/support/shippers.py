"""Real instances of rsyslog and syslog-ng, with the configurations of deploy/ship/."""

import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.machine import CHECKOUT
from tests.support.requirements import program, require
from tests.support.waiting import wait_until

UNPACKED = Path("/usr/local/lib/laurel-mp-tests")
"""Packages that CI unpacks, since Debian's rsyslog and syslog-ng exclude each other."""

_SHIP = CHECKOUT / "deploy" / "ship"


class Collector:
    """The host that everything is sent to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()

    def data(self) -> bytes:
        """The bytes received so far."""
        return b"".join(self._parts)

    def close(self) -> None:
        """Returns when the sender is gone, too."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        self._listener.close()

    def _collect(self) -> None:
        try:
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    while data := connection.recv(1 << 16):
                        self._parts.append(data)
        except OSError:
            return  # closed


@dataclass(frozen=True)
class Shipper:
    """One that runs."""

    collector: Collector
    log: Path
    """The file that it reads."""
    socket: Path
    """The socket that it listens on."""


@contextmanager
def rsyslog(directory: Path) -> Iterator[Shipper]:
    """One that reads a file and a socket in `directory`."""
    found = program("rsyslogd")
    require(found, "rsyslog (Debian: apt-get install rsyslog)")
    with _shipper(directory) as shipper:
        config = _adapt("rsyslog.conf", shipper)
        # Its own files in here, too; the rest is as Debian has it.
        main = f'global(workDirectory="{directory}")\n{config}'
        main = re.sub(r'fileOwner="\S+" fileGroup="\S+"', 'fileOwner="root"', main)
        path = _write(directory / "rsyslog.conf", main)
        options = ["-n", "-f", path, "-i", directory / "pid"]
        with _running([found, *options], shipper):
            yield shipper


@contextmanager
def syslog_ng(directory: Path) -> Iterator[Shipper]:
    """The same."""
    found = program("syslog-ng")
    environment = dict(os.environ)
    modules: list[str] = []
    if found is None and (UNPACKED / "usr/sbin/syslog-ng").exists():
        found = UNPACKED / "usr/sbin/syslog-ng"
        (version,) = UNPACKED.glob("usr/lib/syslog-ng/[0-9]*")
        environment["LD_LIBRARY_PATH"] = str(version.parent)
        modules = [f"--module-path={version}"]
    require(found, "syslog-ng (Debian: apt-get install syslog-ng-core)")
    with _shipper(directory) as shipper:
        config = _adapt("syslog-ng.conf", shipper)
        config = re.sub(r'owner\("\S+"\) group\("\S+"\)', 'owner("root")', config)
        config = config.replace("disk-buffer(", f'disk-buffer(dir("{directory}") ')
        path = _write(directory / "syslog-ng.conf", f"@version: 3.38\n{config}")
        names = {"cfgfile": path}
        names |= {name: directory / name for name in ("persist-file", "pidfile", "control")}
        options = [f"--{name}={value}" for name, value in names.items()]
        with _running([found, "-F", *modules, *options], shipper, env=environment):
            yield shipper


@contextmanager
def _shipper(directory: Path) -> Iterator[Shipper]:
    collector = Collector()
    try:
        yield Shipper(collector, directory / "audit.log", directory / "ship.sock")
    finally:
        collector.close()


def _adapt(name: str, shipper: Shipper) -> str:
    """A configuration with our places in place of a host's."""
    text = (_SHIP / name).read_text()
    for pattern, ours in (
        (r"/var/log/laurel-mp/audit\.log", str(shipper.log)),
        (r'(?<=")/run/[\w-]+\.sock(?=")', str(shipper.socket)),
        (r"siem\.example\.org", "127.0.0.1"),
        (r"\b6514\b", str(shipper.collector.port)),
    ):
        assert re.search(pattern, text), pattern
        text = re.sub(pattern, ours, text)
    return text


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@contextmanager
def _running(command: list[Any], shipper: Shipper, **how: Any) -> Iterator[None]:
    messages = shipper.socket.with_name("messages")
    with messages.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, **how
        )
    try:
        wait_until(lambda: shipper.socket.exists() or process.poll() is not None, "it listens", 20)
        assert process.poll() is None, messages.read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)

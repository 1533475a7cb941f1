"""Serves the status socket and the metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from laurel_mp.config import Config
from laurel_mp.observe import document, http, prometheus
from laurel_mp.observe.register import Register, Snapshot
from laurel_mp.observe.server import Answer, Server
from laurel_mp.pipeline.status.metrics_file import MetricsFile
from laurel_mp.system.listeners import ListenError, UnixListener, listen_on_address

SOCKET_MODE = 0o600

RETRY = 10.0
"""Seconds between two attempts to open a socket."""

FRESH = 0.2
"""Seconds for which an answer is used again."""

log = logging.getLogger(__name__)


class _Open(NamedTuple):
    server: Server
    listener: UnixListener | None

    def close(self) -> None:
        if self.listener is not None:
            self.listener.remove()
        self.server.close()


class StatusService:
    """Answers within the main loop, and never waits. Errors are logged."""

    def __init__(self, register: Register, config: Config) -> None:
        self._register = register
        self._config = config
        self._open: dict[str, _Open] = {}
        self._wanted: dict[str, Callable[[], _Open]] = {}
        self._retry_at = 0.0
        self._said: dict[str, str] = {}
        self._file: MetricsFile | None = None
        self._write_at = 0.0
        self._taken_at = float("-inf")
        self._taken: Snapshot = {}

    def start(self) -> None:
        """Opens the sockets."""
        self._want(self._config)
        self.step()

    def use(self, config: Config) -> None:
        """Takes another configuration."""
        former, self._config = self._config, config
        if (former.status, former.metrics) != (config.status, config.metrics):
            self.close()
            self._want(config)

    def _want(self, config: Config) -> None:
        metrics = config.metrics
        mode = int(metrics.file_mode, 8)
        self._wanted, self._retry_at, self._said = {}, 0.0, {}
        if config.status.socket:
            path = Path(config.directory, config.status.socket)
            self._wanted["status"] = lambda: _at_path(path, SOCKET_MODE, self._document)
        if metrics.listen.startswith("unix:"):
            place = Path(metrics.listen.removeprefix("unix:"))
            self._wanted["metrics"] = lambda: _at_path(place, _to_connect(mode), self._http)
        elif metrics.listen:
            address = metrics.listen
            self._wanted["metrics"] = lambda: _Open(
                Server(listen_on_address(address), self._http), None
            )
        self._http = http.answering(self._metrics, prometheus.CONTENT_TYPE)
        if metrics.file:
            self._file = MetricsFile(Path(config.directory, metrics.file), mode)
            self._write_at = 0.0

    # --- within the main loop

    def filenos(self) -> tuple[int, ...]:
        """Returns descriptors of which one is readable when `step` has something to do."""
        return tuple(each.server.fileno() for each in self._open.values())

    def next_due(self) -> float | None:
        """Returns the seconds until `step` has something to do; None for never."""
        now = time.monotonic()
        waits = [each.server.next_due() for each in self._open.values()]
        if self._wanted:
            waits.append(max(self._retry_at - now, 0.0))
        if self._file is not None:
            waits.append(max(self._write_at - now, 0.0))
        return min((each for each in waits if each is not None), default=None)

    def step(self) -> None:
        """Answers requests, opens sockets, writes the metrics file."""
        now = time.monotonic()
        for each in self._open.values():
            each.server.step()
        if self._wanted and now >= self._retry_at:
            self._retry_at = now + RETRY
            for name in list(self._wanted):
                self._try_open(name)
        if self._file is not None and now >= self._write_at:
            self._write_at = now + self._config.metrics.period
            self._file.write_soon(self._metrics())

    def close(self) -> None:
        """Closes the sockets, and removes the metrics file."""
        for each in self._open.values():
            each.close()
        self._open.clear()
        self._wanted.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _try_open(self, name: str) -> None:
        try:
            self._open[name] = self._wanted[name]()
        except ListenError as error:
            if self._said.get(name) != str(error):
                self._said[name] = str(error)
                log.warning("cannot serve %s: %s", name, error)
        else:
            del self._wanted[name]

    # --- what is told

    def _snapshot(self) -> Snapshot:
        now = time.monotonic()
        if now - self._taken_at >= FRESH:
            self._taken_at = now
            self._taken = self._register.snapshot()
        return self._taken

    def _document(self, _request: bytes) -> bytes:
        return document.encode(self._snapshot(), time.time())

    def _metrics(self) -> bytes:
        return prometheus.encode(self._snapshot())


def _at_path(path: Path, mode: int, answer: Answer) -> _Open:
    listener = UnixListener(path, mode)
    return _Open(Server(listener.socket, answer), listener)


def _to_connect(mode: int) -> int:
    """Returns a mode in which all who may read may connect, which needs the right to write."""
    return mode | (mode & 0o444) >> 1

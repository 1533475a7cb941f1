"""Ingest's side of a pipeline of several processes."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import zmq
from setproctitle import setproctitle

from laurel_mp.config import Config, from_dict, to_dict
from laurel_mp.errors import OutputError, PipelineError
from laurel_mp.events.coalescer import Counters
from laurel_mp.pipeline import roles, wire
from laurel_mp.pipeline.endpoints import Endpoints
from laurel_mp.pipeline.forkserver import ForkServer
from laurel_mp.pipeline.ledger import Ledger
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.pipeline import OnMalformed, Pipeline
from laurel_mp.stages.assembler import AssemblerCounters
from laurel_mp.stages.router import Batch

REPORT_PATIENCE = 0.5
"""Seconds to wait for the report of a child that has failed: it sent one before it ended."""

MAX_DIRECTORY = 80
"""Characters: with the name of an endpoint, the path of a socket has to fit 107 (unix(7))."""


def start_child(arguments: list[Any]) -> None:
    """Runs in a child: becomes what the arguments say, until that has nothing left to do."""
    role, plain_config, directory_name, index, workers, live, output_fields = arguments
    config, directory = from_dict(plain_config), Path(directory_name)
    title = _title(role, index, workers)
    setproctitle(f"laurel-mp: {title}")
    try:
        if role == "worker":
            roles.run_worker(config, directory, index, live=live)
        elif role == "tracker":
            roles.run_tracker(config, directory, workers, live=live)
        else:
            roles.run_writer(config, directory, workers, Outputs.of_plain(output_fields))
    except Exception as error:
        roles.report_failure(directory, title, error)
        raise


class ParallelPipeline(Pipeline):
    """Workers, a tracker and a writer in processes of their own."""

    def __init__(
        self,
        config: Config,
        workers: int,
        outputs: Outputs,
        server: ForkServer,
        on_malformed: OnMalformed,
        *,
        live: bool,
    ) -> None:
        super().__init__(config, workers, on_malformed)
        self._live = live
        self._server = server
        self._outputs = outputs
        self._window = config.pipeline.window_bytes
        self._directory = _private_directory()
        self._endpoints = Endpoints(self._directory)
        self._workers = [
            self._endpoints.bind(zmq.PUSH, f"worker-{index}") for index in range(workers)
        ]
        self._reports = self._endpoints.bind(zmq.PULL, "reports")
        self._poller = zmq.Poller()
        self._poller.register(self._reports, zmq.POLLIN)
        self._poller.register(server.fileno(), zmq.POLLIN)
        self._batch = 0
        self._finishing = False
        self._unacknowledged = 0
        self._last = wire.AckMessage(-1, 0, False, Counters(), 0, AssemblerCounters())
        self._children: dict[int, str] = {}

    def start(self) -> None:
        """Starts all children."""
        plain = [to_dict(self.config), str(self._directory)]
        for role, count in (("writer", 1), ("tracker", 1), ("worker", self.workers)):
            for index in range(count):
                outputs = self._outputs.to_plain()
                arguments = [role, *plain, index, self.workers, self._live, outputs]
                self._children[self._server.start(arguments)] = _title(role, index, self.workers)

    @property
    def unacknowledged(self) -> int:
        """Bytes of input that are not in the output yet."""
        return self._unacknowledged

    @property
    def is_full(self) -> bool:
        """Whether the window has no room for another batch."""
        return self._unacknowledged >= self._window

    def filenos(self) -> tuple[int, int]:
        """One of them is readable when there may be reports; `receive` takes them."""
        return int(self._reports.getsockopt(zmq.FD)), self._server.fileno()

    def receive(self, timeout_ms: int = 0) -> None:
        """Takes reports: acknowledgements, failures, children that ended.

        Waits up to `timeout_ms` for the first; raises PipelineError or OutputError if the
        pipeline can not go on.
        """
        ready = dict(self._poller.poll(timeout_ms))
        while self._reports in ready:
            try:
                self._report(self._reports.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                break
        if self._server.fileno() in ready:
            self._children_ended()

    def _report(self, frames: list[bytes]) -> None:
        report = wire.decode_report(frames)
        if isinstance(report, wire.FailureMessage):
            if report.who == "writer":
                raise OutputError(report.text, closed=report.closed)
            raise PipelineError(f"{report.who}: {report.text}")
        self._unacknowledged -= report.size
        self._last = report

    def _children_ended(self) -> None:
        for pid, status in self._server.ended():
            name = self._children.pop(pid, "fork server")
            if self._finishing and status == 0:
                continue
            if status > 0:
                self._await_reason()
            raise PipelineError(f"the {name} process ended unexpectedly (status {status})")

    def _await_reason(self) -> None:
        """Raises what a child that has failed reports, if it could."""
        deadline = time.monotonic() + REPORT_PATIENCE
        # A time below 0 would mean to wait for ever.
        while self._reports.poll(max(int((deadline - time.monotonic()) * 1000), 0)):
            self._report(self._reports.recv_multipart())

    def _send(self, batch: Batch, size: int, malformed: bytes) -> None:
        while self.is_full:
            self.receive(1000)
        for worker, share in enumerate(batch.shares):
            message = wire.ShareMessage(self._batch, size, share, b"" if worker else malformed)
            self._send_to(self._workers[worker], wire.encode_share(message))
        self._finishing = batch.shares[0].final
        self._batch += 1
        self._unacknowledged += size
        self.receive()

    def _send_to(self, socket: zmq.Socket[bytes], frames: wire.Frames) -> None:
        """Sends to a worker, once it is there.

        One that is gone, or failed before it connected, leaves a socket that takes nothing: to
        wait for that alone would be to wait for ever.
        """
        while True:
            try:
                socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
            except zmq.Again:
                self._poller.register(socket, zmq.POLLOUT)
                try:
                    self.receive(1000)
                finally:
                    self._poller.unregister(socket)
            else:
                return

    def _drain(self) -> None:
        while not self._last.final:
            self.receive(1000)

    def _downstream(self) -> Ledger:
        ledger = Ledger(in_flight=self._last.in_flight)
        ledger.add(self._last.counters)
        ledger.add_given(self._last.given)
        return ledger

    def close(self) -> None:
        """Ends all processes; those that have nothing left to do have ended by themselves."""
        try:
            while self._last.final and self._children:
                self.receive(1000)
        finally:
            self._server.close()
            self._endpoints.close(0)  # whoever could receive something has ended
            shutil.rmtree(self._directory, ignore_errors=True)


def _title(role: str, index: int, workers: int) -> str:
    return f"{role} {index + 1}/{workers}" if role == "worker" else role


def _private_directory() -> Path:
    """A new directory of mode 0700 for the sockets."""
    try:
        directory = tempfile.mkdtemp(prefix="laurel-mp-")
        if len(directory) > MAX_DIRECTORY:
            Path(directory).rmdir()
            directory = tempfile.mkdtemp(prefix="laurel-mp-", dir="/tmp")
    except OSError as error:
        raise PipelineError(f"no directory for sockets can be made: {error}") from error
    return Path(directory)

"""The stages in processes of their own, `workers` > 0: ingest's side of them."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq
from setproctitle import setproctitle

from laurel_mp.config import Config, from_dict, to_dict
from laurel_mp.errors import OutputError, PipelineError
from laurel_mp.observe.log import speak_as
from laurel_mp.pipeline.counters.accounts import ProcessSlot
from laurel_mp.pipeline.runner import roles, wire
from laurel_mp.pipeline.runner.batches import FINAL
from laurel_mp.pipeline.runner.fork_server import ForkServer
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.spawner import ProcessSpawner, Task
from laurel_mp.pipeline.runner.stage_runner import StageRunner, StageRunnerError, StartState
from laurel_mp.pipeline.runner.wire import Endpoints
from laurel_mp.stages.stage_messages import Share
from laurel_mp.system import privileges
from laurel_mp.system.process_title import set_main_title

REPORT_SECONDS = 0.5
"""Longest wait for the report that a failed child sent before it ended."""

CLOSE_SECONDS = 5.0
"""Longest wait for children to end after the final batch."""


def start_child(spawner: ProcessSpawner, arguments: list[Any]) -> None:
    """Runs in a child: takes the role that the arguments name, until the final batch."""
    task = Task.of_plain(arguments)
    title = _title(task.role, task.number, task.workers)
    setproctitle(f"laurel-mp: {title}")
    speak_as(title)
    config = from_dict(task.config)
    if task.live:
        privileges.become(privileges.Role(task.role), config)
    try:
        roles.run(task, config, spawner)
    except Exception as error:
        roles.report_failure(Path(task.directory), title, error)
        raise


class ParallelRunner(StageRunner):
    """Workers, a tracker and a writer in processes of their own."""

    def __init__(
        self, config: Config, outputs: Outputs, workers: int, spawner: ProcessSpawner
    ) -> None:
        self.workers = workers
        self._config = config
        self._outputs = outputs
        self._spawner = spawner
        self._server: ForkServer | None = None
        self._directory: Path | None = None
        self._endpoints: Endpoints | None = None
        self._workers: list[zmq.Socket[bytes]] = []
        self._poller = zmq.Poller()
        self._children: dict[int, tuple[str, int]] = {}
        """Title and pidfd (pidfd_open(2)) of each child, by process id."""
        self._slots: dict[str, int] = {}
        self._final = False
        self._unsent: list[tuple[int, wire.Frames]] = []
        """Worker and message: those whose worker is not connected yet, and all behind them."""
        self._early: list[wire.Report] = []
        """Reports that came while `send` waited."""

    # --- start

    def start(self, state: StartState) -> None:
        """Starts the writer, the tracker and all workers."""
        if self._spawner.live:
            privileges.become(privileges.Role.INGEST, self._config)
            set_main_title("ingest")
        try:
            self._server = self._spawner.server(start_child)
            self._directory = self._spawner.runtime.fresh()
            self._write_snapshots(state)
            self._endpoints = Endpoints(self._directory)
            self._workers = [
                self._endpoints.bind(zmq.PUSH, f"worker-{index}") for index in range(self.workers)
            ]
            self._reports = self._endpoints.bind(zmq.PULL, "reports")
            self._poller.register(self._reports, zmq.POLLIN)
            self._poller.register(self._server.fileno(), zmq.POLLIN)
            self._spawner.board.clear()
            roles_and_indices = [("writer", 0), ("tracker", 0)]
            roles_and_indices += [("worker", index) for index in range(self.workers)]
            self._spawner.accounts.begin([self._process_slot(*role) for role in roles_and_indices])
            for role, index in roles_and_indices:
                self._start_child(role, index, state)
        except (OSError, zmq.ZMQError, PipelineError) as error:
            raise StageRunnerError(f"processes cannot be started: {error}") from error

    def _process_slot(self, role: str, index: int) -> ProcessSlot:
        return ProcessSlot(
            _name(_title(role, index, self.workers)), ProcessSpawner.slot(role, index)
        )

    def _write_snapshots(self, state: StartState) -> None:
        if state.snapshots is None:
            return
        assert self._directory is not None
        for index, snapshot in enumerate(state.snapshots.decoders):
            (self._directory / f"worker-{index}.snapshot").write_bytes(snapshot)
        (self._directory / "tracker-0.snapshot").write_bytes(state.snapshots.tracker)
        (self._directory / "writer-0.snapshot").write_bytes(state.snapshots.assembler)

    def _start_child(self, role: str, index: int, state: StartState) -> None:
        assert self._server is not None
        task = Task(
            role,
            index,
            self.workers,
            str(self._directory),
            to_dict(self._config),
            self._outputs.to_plain(),
            self._spawner.live,
            state.written_through,
            state.is_first_start,
            state.is_restart,
        )
        pid = self._server.start(list(task))
        title = _title(role, index, self.workers)
        try:
            self._children[pid] = title, os.pidfd_open(pid)
        except ProcessLookupError as error:  # it was reaped already
            raise StageRunnerError(
                f"the {title} process ended at once", process=_name(title)
            ) from error
        self._slots[title] = ProcessSpawner.slot(role, index)

    def pids(self) -> dict[str, int]:
        """Returns the process ids of the children that live, and of the fork server."""
        found = {_name(title): pid for pid, (title, _) in self._children.items()}
        if self._server is not None:
            found["fork-server"] = self._server.pid
        return found

    # --- batches

    def send(self, batch: int, flags: int, shares: list[Share], malformed: bytes) -> None:
        """Queues a batch for the workers; offline, waits until they are connected."""
        self._final = self._final or bool(flags & FINAL)
        for worker, share in enumerate(shares):
            message = wire.ShareMessage(batch, flags, share, b"" if worker else malformed)
            self._unsent.append((worker, wire.encode_share(message)))
        self._send_unsent()
        while self._unsent and not self._spawner.live:
            # An offline command may block in a read of its input after this.
            self._early += self._receive(1000)

    def _send_unsent(self) -> None:
        """Sends to the workers that are connected: a bound socket takes nothing before that."""
        sent = 0
        for worker, frames in self._unsent:
            try:
                self._workers[worker].send_multipart(frames, zmq.NOBLOCK)
            except zmq.Again:
                break
            sent += 1
        del self._unsent[:sent]
        for socket in self._workers:
            if socket in self._poller:
                self._poller.unregister(socket)
        if self._unsent:
            self._poller.register(self._workers[self._unsent[0][0]], zmq.POLLOUT)

    # --- reports

    def filenos(self) -> tuple[int, ...]:
        """Returns descriptors; one is readable when there may be reports, or a worker connects."""
        assert self._server is not None
        sockets = [self._reports]
        if self._unsent:
            sockets.append(self._workers[self._unsent[0][0]])
        fds = [int(socket.getsockopt(zmq.FD)) for socket in sockets]
        return (*fds, self._server.fileno())

    def receive(self, timeout_ms: int) -> list[wire.Report]:
        """Returns reports; raises StageRunnerError if a child has failed or ended too early."""
        early, self._early = self._early, []
        return early + self._receive(0 if early else timeout_ms)

    def _receive(self, timeout_ms: int) -> list[wire.Report]:
        assert self._server is not None
        if self._unsent:
            self._send_unsent()
        ready = dict(self._poller.poll(0 if self._server.has_news else timeout_ms))
        reports: list[wire.Report] = []
        while self._reports in ready:
            try:
                reports.append(self._decode(self._reports.recv_multipart(zmq.NOBLOCK)))
            except zmq.Again:
                break
        if not reports and (self._server.has_news or self._server.fileno() in ready):
            self._check_ended()
        return reports

    def _decode(self, frames: list[bytes]) -> wire.Report:
        report = wire.decode_report(frames)
        if isinstance(report, wire.FailureMessage):
            if report.is_output:
                raise OutputError(report.text, closed=report.is_closed)
            title = report.process
            raise StageRunnerError(
                f"{title}: {report.text}", self._current_batch(title), _name(title)
            )
        return report

    def _check_ended(self) -> None:
        assert self._server is not None
        for pid, status in self._server.ended():
            name, fd = self._children.pop(pid, ("fork server", -1))
            if fd >= 0:
                os.close(fd)
            elif pid != self._server.pid:
                continue
            if self._final and status == 0:
                continue
            if status > 0:
                self._raise_reported()
            raise StageRunnerError(
                f"the {name} process ended unexpectedly (status {status})",
                self._current_batch(name),
                _name(name),
            )

    def _raise_reported(self) -> None:
        """Raises the error that a failed child has reported, if it could."""
        deadline = time.monotonic() + REPORT_SECONDS
        # poll takes a negative time as no limit.
        while self._reports.poll(max(int((deadline - time.monotonic()) * 1000), 0)):
            self._decode(self._reports.recv_multipart())

    def _current_batch(self, title: str) -> int:
        slot = self._slots.get(title)
        return 0 if slot is None else self._spawner.board.batch(slot)

    def explain_hang(self) -> StageRunnerError:
        """Returns an error that names a stopped process, or the one with the oldest batch."""
        for pid, (name, _) in self._children.items():
            state = _state_of(pid)
            if state in "TtD":
                return StageRunnerError(
                    f"the {name} process is stuck (state {state})", process=_name(name)
                )
        busy = [(batch, name) for name in self._slots if (batch := self._current_batch(name))]
        if not busy:
            return StageRunnerError("there is no progress")
        batch, name = min(busy)
        return StageRunnerError(f"the {name} process makes no progress", batch, _name(name))

    # --- end

    def stop(self) -> int:
        """Kills all children, and waits until they have ended."""
        for _, fd in self._children.values():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
        poll = select.poll()
        for _, fd in self._children.values():
            poll.register(fd, select.POLLIN)
        left = {fd for _, fd in self._children.values()}
        while left:
            for fd, _ in poll.poll():
                poll.unregister(fd)
                left.discard(fd)
        self._spawner.accounts.settle()
        self._release()
        return max(self._outputs.unwritten(self._spawner.journal).batch, 0)

    def unwritten(self) -> Any:
        """Returns what the journal holds and the outputs lack, for msgpack."""
        return self._outputs.unwritten(self._spawner.journal).to_plain()

    def close(self) -> None:
        """Waits until the children have ended; kills those that take too long."""
        assert self._server is not None
        deadline = time.monotonic() + CLOSE_SECONDS
        while self._children and time.monotonic() < deadline:
            self._poller.poll(100)
            self._check_ended()
        self.stop()

    def _release(self) -> None:
        for _, fd in self._children.values():
            os.close(fd)
        # The fork server reports their ends later; a new child may get the same process id.
        if self._server is not None:
            self._server.forget(set(self._children))
        self._children.clear()
        if self._endpoints is not None:
            # All peers are gone, so there is no reason to linger. But with a linger of 0 libzmq
            # 4.3.5 aborts the process if it notices only now that a peer ended within a message
            # (session_base_t::clean_pipes).
            self._endpoints.close()
            self._endpoints = None


def _title(role: str, index: int, workers: int) -> str:
    return f"{role} {index + 1}/{workers}" if role == "worker" else role


def _name(title: str) -> str:
    """Returns the name of a process in metrics: `worker-1` for `worker 1/2`."""
    return title.partition("/")[0].replace(" ", "-")


def _state_of(pid: int) -> str:
    """Returns the state of a process as in proc_pid_stat(5); X if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1].decode()
    except OSError:
        return "X"

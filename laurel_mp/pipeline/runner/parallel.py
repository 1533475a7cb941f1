"""Ingest's side of a crew of several processes."""

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
from laurel_mp.pipeline.counters.accounts import Member
from laurel_mp.pipeline.runner import roles, wire
from laurel_mp.pipeline.runner.batches import FINAL
from laurel_mp.pipeline.runner.endpoints import Endpoints
from laurel_mp.pipeline.runner.fork_server import ForkServer
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.spawner import ProcessSpawner, Task
from laurel_mp.pipeline.runner.stage_runner import Order, StageRunner, StageRunnerError
from laurel_mp.stages.stage_messages import Share
from laurel_mp.system import privileges

REPORT_PATIENCE = 0.5
"""Seconds to wait for the report of a child that has failed: it sent one before it ended."""

CLOSE_SECONDS = 5.0
"""How long children that have nothing left to do may take to end."""


def start_child(spawner: ProcessSpawner, arguments: list[Any]) -> None:
    """Runs in a child: becomes what the arguments say, until that has nothing left to do."""
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
        """By process id: what it is, and a descriptor that stands for it (pidfd_open(2))."""
        self._slots: dict[str, int] = {}
        self._final = False
        self._waiting: list[tuple[int, wire.Frames]] = []
        self._early: list[wire.Report] = []

    # --- start

    def start(self, order: Order) -> None:
        """Starts all children."""
        if self._spawner.live:
            privileges.become(privileges.Role.INGEST, self._config)
        try:
            self._server = self._spawner.server(start_child)
            self._directory = self._spawner.runtime.fresh()
            self._write_snapshots(order)
            self._endpoints = Endpoints(self._directory)
            self._workers = [
                self._endpoints.bind(zmq.PUSH, f"worker-{index}") for index in range(self.workers)
            ]
            self._reports = self._endpoints.bind(zmq.PULL, "reports")
            self._poller.register(self._reports, zmq.POLLIN)
            self._poller.register(self._server.fileno(), zmq.POLLIN)
            self._spawner.board.clear()
            places = [("writer", 0), ("tracker", 0)]
            places += [("worker", index) for index in range(self.workers)]
            self._spawner.accounts.begin([self._member(*role) for role in places])
            for role, index in places:
                self._start_child(role, index, order)
        except (OSError, zmq.ZMQError, PipelineError) as error:
            raise StageRunnerError(f"processes cannot be started: {error}") from error

    def _member(self, role: str, index: int) -> Member:
        return Member(_name(_title(role, index, self.workers)), ProcessSpawner.slot(role, index))

    def _write_snapshots(self, order: Order) -> None:
        if order.snapshots is None:
            return
        assert self._directory is not None
        for index, snapshot in enumerate(order.snapshots.decoders):
            (self._directory / f"worker-{index}.snapshot").write_bytes(snapshot)
        (self._directory / "tracker-0.snapshot").write_bytes(order.snapshots.tracker)
        (self._directory / "writer-0.snapshot").write_bytes(order.snapshots.assembler)

    def _start_child(self, role: str, index: int, order: Order) -> None:
        assert self._server is not None
        task = Task(
            role,
            index,
            self.workers,
            str(self._directory),
            to_dict(self._config),
            self._outputs.to_plain(),
            self._spawner.live,
            order.leave_out,
            order.is_again,
            order.is_restart,
        )
        pid = self._server.start(list(task))
        title = _title(role, index, self.workers)
        try:
            self._children[pid] = title, os.pidfd_open(pid)
        except ProcessLookupError as error:  # it has ended, and so has who would have told us
            raise StageRunnerError(
                f"the {title} process ended at once", who=_name(title)
            ) from error
        self._slots[title] = ProcessSpawner.slot(role, index)

    def pids(self) -> dict[str, int]:
        """The process ids of the children that live, as far as it is known, and of their parent."""
        found = {_name(title): pid for pid, (title, _) in self._children.items()}
        if self._server is not None:
            found["fork-server"] = self._server.pid
        return found

    # --- what goes out

    def send(self, batch: int, flags: int, shares: list[Share], malformed: bytes) -> None:
        """Hands a batch over."""
        self._final = self._final or bool(flags & FINAL)
        for worker, share in enumerate(shares):
            message = wire.ShareMessage(batch, flags, share, b"" if worker else malformed)
            self._waiting.append((worker, wire.encode_share(message)))
        self._send_waiting()
        while self._waiting and not self._spawner.live:
            # Who feeds an offline pipeline may be waiting for input for long after this.
            self._early += self._receive(1000)

    def _send_waiting(self) -> None:
        """Sends as far as workers are there: a socket takes nothing before its peer connects."""
        sent = 0
        for worker, frames in self._waiting:
            try:
                self._workers[worker].send_multipart(frames, zmq.NOBLOCK)
            except zmq.Again:
                break
            sent += 1
        del self._waiting[:sent]
        for socket in self._workers:
            if socket in self._poller:
                self._poller.unregister(socket)
        if self._waiting:
            self._poller.register(self._workers[self._waiting[0][0]], zmq.POLLOUT)

    # --- what comes back

    def filenos(self) -> tuple[int, ...]:
        """One of these is readable when there may be reports, or when a worker has come."""
        assert self._server is not None
        sockets = [self._reports]
        if self._waiting:
            sockets.append(self._workers[self._waiting[0][0]])
        fds = [int(socket.getsockopt(zmq.FD)) for socket in sockets]
        return (*fds, self._server.fileno())

    def receive(self, timeout_ms: int) -> list[wire.Report]:
        """Reports; raises StageRunnerError when a child has ended before its time, or failed."""
        early, self._early = self._early, []
        return early + self._receive(0 if early else timeout_ms)

    def _receive(self, timeout_ms: int) -> list[wire.Report]:
        assert self._server is not None
        if self._waiting:
            self._send_waiting()
        ready = dict(self._poller.poll(0 if self._server.has_news else timeout_ms))
        reports: list[wire.Report] = []
        while self._reports in ready:
            try:
                reports.append(self._decode(self._reports.recv_multipart(zmq.NOBLOCK)))
            except zmq.Again:
                break
        if not reports and (self._server.has_news or self._server.fileno() in ready):
            self._children_ended()
        return reports

    def _decode(self, frames: list[bytes]) -> wire.Report:
        report = wire.decode_report(frames)
        if isinstance(report, wire.FailureMessage):
            if report.output:
                raise OutputError(report.text, closed=report.closed)
            in_hand = self._in_hand(report.who)
            raise StageRunnerError(f"{report.who}: {report.text}", in_hand, _name(report.who))
        return report

    def _children_ended(self) -> None:
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
                self._await_reason()
            raise StageRunnerError(
                f"the {name} process ended unexpectedly (status {status})",
                self._in_hand(name),
                _name(name),
            )

    def _await_reason(self) -> None:
        """Raises what a child that has failed reports, if it could."""
        deadline = time.monotonic() + REPORT_PATIENCE
        # A time below 0 would mean to wait for ever.
        while self._reports.poll(max(int((deadline - time.monotonic()) * 1000), 0)):
            self._decode(self._reports.recv_multipart())

    def _in_hand(self, name: str) -> int:
        slot = self._slots.get(name)
        return 0 if slot is None else self._spawner.board.read(slot)

    def hangs(self) -> StageRunnerError:
        """Who does not move, as far as that can be seen."""
        for pid, (name, _) in self._children.items():
            state = _state_of(pid)
            if state in "TtD":
                return StageRunnerError(
                    f"the {name} process is stuck (state {state})", who=_name(name)
                )
        busy = [(batch, name) for name in self._slots if (batch := self._in_hand(name))]
        if not busy:
            return StageRunnerError("there is no progress")
        batch, name = min(busy)
        return StageRunnerError(f"the {name} process makes no progress", batch, _name(name))

    # --- ends

    def stop(self) -> int:
        """Kills all children, and waits until they are gone."""
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
        self._tidy()
        return max(self._outputs.unwritten(self._spawner.journal).batch, 0)

    def unwritten(self) -> Any:
        """What was begun to be written, and is not."""
        return self._outputs.unwritten(self._spawner.journal).to_plain()

    def close(self) -> None:
        """Waits for the children, which have nothing left to do."""
        assert self._server is not None
        deadline = time.monotonic() + CLOSE_SECONDS
        while self._children and time.monotonic() < deadline:
            self._poller.poll(100)
            self._children_ended()
        self.stop()

    def _tidy(self) -> None:
        for _, fd in self._children.values():
            os.close(fd)
        # Ends are told for a while longer: no new child may be taken for one of these.
        if self._server is not None:
            self._server.forget(set(self._children))
        self._children.clear()
        if self._endpoints is not None:
            # All peers are gone, so there is nothing to linger for. But with a linger of 0 libzmq
            # 4.3.5 aborts the process if it notices only now that a peer was in the middle of a
            # message (session_base_t::clean_pipes).
            self._endpoints.close()
            self._endpoints = None


def _title(role: str, index: int, workers: int) -> str:
    return f"{role} {index + 1}/{workers}" if role == "worker" else role


def _name(title: str) -> str:
    """What a process is called where its counters are told: `worker-1` for `worker 1/2`."""
    return title.partition("/")[0].replace(" ", "-")


def _state_of(pid: int) -> str:
    """The state of a process, as in proc_pid_stat(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1].decode()
    except OSError:
        return "X"

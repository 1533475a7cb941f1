"""The fork server: a small process that forks all others.

A process with threads, sockets or a large memory cannot be forked safely or cheaply. So ingest
forks this server first, while it is small and has one thread. The server forks the children: they
start in a millisecond and share the memory of all modules. When ingest ends, the kernel kills the
server, and then its children (PR_SET_PDEATHSIG, prctl(2)).

Requests are msgpack messages on a sequenced-packet socket. The server answers each with a process
id, and reports when a child has ended.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

import msgpack
from setproctitle import setproctitle

from laurel_mp.errors import PipelineError
from laurel_mp.system.parent_death import die_with_parent
from laurel_mp.system.standard_streams import detach_stdin

MAX_MESSAGE = 1 << 20

Start = Callable[[list[object]], None]
"""Runs in a child with the arguments of its request; the child ends when it returns."""


class Ended(NamedTuple):
    """A child that has ended; a negative status is the signal that ended it."""

    pid: int
    status: int


class ForkServer:
    """Forks the server, and sends it requests: ingest's side."""

    def __init__(self, start: Start) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client = os.getpid()
        # All objects of this moment stay shared with the children. A collection writes to each
        # object: behind the fork it would copy all of them.
        gc.collect()
        gc.freeze()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            _serve(theirs, start, client)
        theirs.close()
        self.is_dead = False
        """True if the server is known to have ended; its children have ended with it."""
        self._socket = ours
        self._ended: list[Ended] = []
        self._forgotten: set[int] = set()

    def fileno(self) -> int:
        """Returns a descriptor that is readable when a child or the server has ended."""
        return self._socket.fileno()

    def start(self, arguments: list[object]) -> int:
        """Starts a child; returns its process id. Raises PipelineError if the server is gone."""
        try:
            self._socket.send(msgpack.packb(arguments))
        except OSError as error:
            self.is_dead = True
            raise PipelineError(f"the fork server does not answer: {error.strerror}") from error
        while True:
            pid, status = self._receive()
            if status is None:
                return pid
            if pid == self.pid:
                raise PipelineError("the fork server process ended unexpectedly")
            self._add_ended(pid, status)

    @property
    def has_news(self) -> bool:
        """True if `ended` returns children without a look at the socket."""
        return bool(self._ended)

    def ended(self) -> list[Ended]:
        """Returns the children that have ended since the last call; does not wait."""
        while select.select([self._socket], [], [], 0)[0]:
            pid, status = self._receive()
            self._add_ended(pid, -1 if status is None else status)
            if pid == self.pid:
                break
        found, self._ended = self._ended, []
        return found

    def forget(self, pids: set[int]) -> None:
        """Makes `ended` omit the next end of each of these; later children may get the same ids."""
        self._forgotten |= pids

    def _add_ended(self, pid: int, status: int) -> None:
        if pid in self._forgotten:
            self._forgotten.discard(pid)
        else:
            self._ended.append(Ended(pid, status))

    def close(self) -> None:
        """Ends the server and all of its children, and waits until the server has ended."""
        self._socket.close()
        os.waitpid(self.pid, 0)

    def _receive(self) -> tuple[int, int | None]:
        try:
            message = self._socket.recv(MAX_MESSAGE)
        except ConnectionResetError:
            message = b""  # the server ended without reading the last request
        if not message:
            self.is_dead = True
            return self.pid, -signal.SIGKILL
        pid, status = msgpack.unpackb(message)
        return pid, status


def _serve(client: socket.socket, start: Start, client_pid: int) -> NoReturn:
    """Runs in the server: serves requests until the client has closed its socket."""
    try:
        die_with_parent(client_pid)
        _serve_requests(client, start)
    finally:
        os._exit(0)


def _serve_requests(client: socket.socket, start: Start) -> None:
    setproctitle("laurel-mp: fork server")
    detach_stdin()
    # A terminal or a service manager signals the whole group. Ingest handles the signal, and ends
    # its children in order.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Up to 4.0.4, auditd restarts a plugin with blocked signals [auditd: audisp/audispd.c].
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    children: set[int] = set()
    while True:
        readable, _, _ = select.select([client.fileno(), wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, 4096)
            _reap(children, client)
        if client.fileno() in readable:
            message = client.recv(MAX_MESSAGE)
            if not message:
                break
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                client.close()
                _run_child(start, message, server)
            children.add(pid)
            client.send(msgpack.packb((pid, None)))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


def _reap(children: set[int], client: socket.socket) -> None:
    for pid in list(children):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            children.discard(pid)
            try:
                client.send(msgpack.packb((pid, os.waitstatus_to_exitcode(status))))
            except OSError:
                return  # the client is gone: the caller's loop ends, too


def _run_child(start: Start, message: bytes, server: int) -> NoReturn:
    status = 1
    try:
        die_with_parent(server)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        start(msgpack.unpackb(message))
        status = 0
    except BaseException:  # noqa: BLE001 - the outermost frame of this process
        if "LAUREL_MP_TRACEBACKS" in os.environ:
            sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)

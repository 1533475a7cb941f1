"""A process that only reads the kernel's count of lost records.

    ingest ◀──status── kernel watch      socketpair, SOCK_SEQPACKET, msgpack

The right to read the count is also the right to switch auditing off (CAP_AUDIT_CONTROL). So only
this process has it: it is forked before ingest drops root, gets no byte of the audit stream and
no message, and ends with ingest. It exists only with `[loss] kernel`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import msgpack
from setproctitle import setproctitle

from laurel_mp.pipeline.daemon import netlink
from laurel_mp.pipeline.daemon.netlink import KernelStatus
from laurel_mp.system import privileges
from laurel_mp.system.parent_death import die_with_parent

PERIOD = 5.0
"""Seconds between two queries."""

MAX_MESSAGE = 4096


class KernelWatch:
    """Ingest's end of the socket."""

    def __init__(self, ask: Callable[[], KernelStatus] = netlink.ask) -> None:
        self._ask = ask
        self._socket: socket.socket | None = None
        self._pid = 0
        self.problem = ""
        """Reason that no more counts will come; empty if they will."""

    def start(self, user: privileges.User | None, period: float = PERIOD) -> None:
        """Forks the process, which becomes `user`; to be called while there is one thread."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            _run(lambda: _watch(parent, theirs, user, period, self._ask))
        theirs.close()
        self._socket = ours

    def filenos(self) -> tuple[int, ...]:
        """Returns descriptors that are readable when there is a new count."""
        return () if self._socket is None else (self._socket.fileno(),)

    def latest(self) -> KernelStatus | None:
        """Returns the latest status that was not returned before, if there is one."""
        found = None
        while self._socket is not None:
            try:
                message = self._socket.recv(MAX_MESSAGE)
            except BlockingIOError:
                break
            except OSError:
                message = b""
            if not message:
                self.problem = self.problem or "the kernel watch process has ended"
                self.close()
                break
            content = msgpack.unpackb(message)
            if isinstance(content, str):
                self.problem = content
                self.close()
            else:
                found = KernelStatus(*content)
        return found

    def close(self) -> None:
        """Ends the process."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            with suppress(ChildProcessError):  # auditd may have had SIGCHLD ignored
                os.waitpid(self._pid, 0)


def _watch(
    parent: int,
    ingest: socket.socket,
    user: privileges.User | None,
    period: float,
    ask: Callable[[], KernelStatus],
) -> None:
    """Runs in the process."""
    # A signal to the group, from a terminal or a service manager, is for ingest to handle.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    control = privileges.Capability.AUDIT_CONTROL
    privileges.drop(user, frozenset({control}))
    die_with_parent(parent)  # which another user would not keep
    setproctitle("laurel-mp: kernel watch")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)  # or the writer of stdin would not see that ingest has ended
    os.closerange(3, ingest.fileno())
    os.closerange(ingest.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    poll = select.poll()
    poll.register(ingest, 0)  # ingest sends nothing: an event is its end
    while True:
        try:
            with privileges.raised(control):
                status = ask()
        except OSError as error:
            ingest.send(msgpack.packb(error.strerror or str(error)))
            return
        with suppress(BlockingIOError):  # the socket is full: a later status will do
            ingest.send(msgpack.packb(status), socket.MSG_DONTWAIT)
        if poll.poll(period * 1000):
            return


def _run(process: Callable[[], None]) -> NoReturn:
    """Runs the forked process."""
    status = 1
    try:
        process()
        status = 0
    finally:
        os._exit(status)

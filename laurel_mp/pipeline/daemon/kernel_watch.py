"""A process that reads the kernel's count of lost records, and does nothing else.

    ingest ◀──status── kernel watch      socketpair, SOCK_SEQPACKET, msgpack

Whoever may read the count may also switch auditing off (CAP_AUDIT_CONTROL). So it is this process
that has the right, and no other: it is forked before ingest gives up being root, sees no byte of
the audit stream, takes no message, and ends with ingest. Without `[loss] kernel` it is not there.
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
"""Seconds between two looks."""

MAX_MESSAGE = 4096


class KernelWatch:
    """Ingest's side."""

    def __init__(self, ask: Callable[[], KernelStatus] = netlink.ask) -> None:
        self._ask = ask
        self._socket: socket.socket | None = None
        self._pid = 0
        self.problem = ""
        """Why nothing more comes."""

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
        """Readable when there is something new."""
        return () if self._socket is None else (self._socket.fileno(),)

    def latest(self) -> KernelStatus | None:
        """What the kernel has said since the last call, the last of it; does not wait."""
        found = None
        while self._socket is not None:
            try:
                message = self._socket.recv(MAX_MESSAGE)
            except BlockingIOError:
                break
            except OSError:
                message = b""
            if not message:
                self.problem = self.problem or "the process that asks has ended"
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
    os.dup2(null, 0)  # whoever writes to it has to see when ingest ends
    os.closerange(3, ingest.fileno())
    os.closerange(ingest.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    poll = select.poll()
    poll.register(ingest, 0)  # it says nothing, so this is about its end
    while True:
        try:
            with privileges.raised(control):
                status = ask()
        except OSError as error:
            ingest.send(msgpack.packb(error.strerror or str(error)))
            return
        with suppress(BlockingIOError):  # nobody has looked for long; it can be told later
            ingest.send(msgpack.packb(status), socket.MSG_DONTWAIT)
        if poll.poll(period * 1000):
            return


def _run(process: Callable[[], None]) -> NoReturn:
    """All that the forked process does."""
    status = 1
    try:
        process()
        status = 0
    finally:
        os._exit(status)

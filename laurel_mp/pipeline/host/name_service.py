"""A process that looks up names of users and groups, so that decoding waits only within a budget.

NSS may ask a remote directory service and has no deadline, and a thread would not help:
getgrouplist(3) is called with the GIL held. So a child asks NSS, one question after another.

    client ──question──▶ resolver      socketpair, SOCK_SEQPACKET, msgpack
           ◀──answer───

The client forks a keeper, and the keeper forks the resolver. If a module of NSS crashes, only the
resolver ends, and the keeper forks another one; a client with threads could not do so safely. Both
end when the client ends or closes its socket.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from typing import NamedTuple, NoReturn

import msgpack
from setproctitle import setproctitle

from laurel_mp.processes.users import Answer, Answers, Kind, Question, look_up
from laurel_mp.system import privileges
from laurel_mp.system.parent_death import die_with_parent

MAX_MESSAGE = 1 << 20

MAX_PENDING = 64
"""Limit of unanswered questions; further ones are not sent."""

BUDGET = 0.05
"""Seconds: the longest wait of decoding."""

SHARE = 0.05
"""Part of the time that refills the budget: the limit of waiting in the long run."""

PAUSE = 3.0
"""Seconds between the end of a resolver and the start of the next."""


_CRASHED = -1  # instead of a kind: the resolver has ended


class NameServiceStatistics(NamedTuple):
    """Counts since the start."""

    asked: int
    """Questions sent."""
    in_time: int
    """Answers that came while decoding waited for them."""
    late: int
    """Answers that came later."""
    refused: int
    """Questions not sent, because too many were unanswered."""
    crashes: int
    """Resolvers that ended unexpectedly."""
    waited: float
    """Seconds that decoding waited."""


class NameService:
    """Asks the resolver: the client's side, a NameSource.

    It waits for an answer only if no other question is unanswered, as the resolver is busy with
    that one. A budget that refills slowly limits the waits. So a local user database answers each
    question at once; a slow directory delays decoding by 50 ms and then by at most a twentieth of
    the time; one that hangs delays it by 50 ms once.
    """

    def __init__(
        self,
        resolve: Callable[[Question], Answer] = look_up,
        budget: float = BUDGET,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = resolve
        self._limit = budget
        self._pause = pause
        self._clock = clock
        self._budget = budget
        self._filled = clock()
        self._socket: socket.socket | None = None
        self._keeper = 0
        self._restart_at: float | None = None
        self._pending: dict[Question, None] = {}
        """Unanswered questions, in the order in which the resolver takes them."""
        self._asked = 0
        self._in_time = 0
        self._late = 0
        self._refused = 0
        self._crashes = 0
        self._waited = 0.0

    def start(self) -> None:
        """Forks keeper and resolver; call it in the main thread, best before there are others.

        The children keep the user and the capabilities of the caller. SIGCHLD must not be ignored
        (auditd starts plugins that way), or close() cannot wait for the keeper.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        parent = os.getpid()
        self._keeper = os.fork()
        if self._keeper == 0:
            ours.close()
            _run(lambda: _keep(parent, theirs, self._resolve, self._pause))
        theirs.close()
        self._socket = ours
        self._restart_at = None

    def close(self) -> None:
        """Kills both processes."""
        self._restart_at = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            os.kill(self._keeper, signal.SIGKILL)  # the kernel kills the resolver then
            os.waitpid(self._keeper, 0)

    def ask(self, question: Question) -> Answers:
        """Sends a question, waits for it within the budget; returns all answers that have come."""
        answers = self._collect()
        if any(answered == question for answered, _ in answers):
            return answers
        may_wait = not self._pending
        if question not in self._pending and self._send(question) and may_wait:
            answers += self._wait()
        return answers

    def late(self) -> Answers:
        """Returns answers that have come since; does not wait. Restarts a keeper that has ended."""
        if not self._pending and self._restart_at is None:
            return []  # the common case, in each batch
        return self._collect()

    def _collect(self) -> Answers:
        if self._restart_at is not None and self._clock() >= self._restart_at:
            self.start()
        answers = []
        while (answer := self._receive(0.0)) is not None:
            answers.append(answer)
            self._late += 1
        return answers

    def statistics(self) -> NameServiceStatistics:
        """Returns counts since the start."""
        return NameServiceStatistics(
            self._asked, self._in_time, self._late, self._refused, self._crashes, self._waited
        )

    def _send(self, question: Question) -> bool:
        if self._socket is None:
            return False
        if len(self._pending) >= MAX_PENDING:
            self._refused += 1
            return False
        try:
            self._socket.send(msgpack.packb(question))
        except OSError:  # its buffer is full, or the keeper has ended
            self._refused += 1
            return False
        self._pending[question] = None
        self._asked += 1
        return True

    def _wait(self) -> Answers:
        """Returns the answer to the only unanswered question, if it comes within the budget."""
        start = self._clock()
        self._budget = min(self._limit, self._budget + (start - self._filled) * SHARE)
        answer = self._receive(self._budget)
        self._filled = self._clock()
        self._budget = max(0.0, self._budget - (self._filled - start))
        self._waited += self._filled - start
        if answer is None:
            return []
        self._in_time += 1
        return [answer]

    def _receive(self, seconds: float) -> tuple[Question, Answer] | None:
        if self._socket is None:
            return None
        self._socket.settimeout(seconds)
        try:
            message = self._socket.recv(MAX_MESSAGE)
        except (BlockingIOError, TimeoutError):
            return None
        except OSError:
            message = b""
        if not message:  # the keeper has ended
            self.close()
            self._pending.clear()
            self._restart_at = self._clock() + self._pause
            return None
        kind, number, names = msgpack.unpackb(message)
        if kind == _CRASHED:
            self._crashes += 1
            if not self._pending:
                return self._receive(seconds)
            # The question that the resolver was working on may be the reason. So it counts as a
            # miss, and is not asked again for a while.
            question = next(iter(self._pending))
        else:
            question = Question(Kind(kind), number)
        self._pending.pop(question, None)
        return question, tuple(names)


def _keep(
    client_pid: int,
    client: socket.socket,
    resolve: Callable[[Question], Answer],
    pause: float,
) -> None:
    """Runs in the keeper: forks a resolver, and another one when it crashes."""
    die_with_parent(client_pid)
    privileges.give_up()
    setproctitle("laurel-mp: names, keeper")
    # A copy of the client's descriptors would keep its outputs open: their readers would not see
    # the end.
    os.closerange(3, client.fileno())
    os.closerange(client.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    # A terminal or a service manager signals the whole group; ingest handles the signal.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # waitpid(2) fails while it is ignored
    keeper = os.getpid()
    while True:
        resolver = os.fork()
        if resolver == 0:
            _run(lambda: _serve(keeper, client, resolve))
        _, status = os.waitpid(resolver, 0)
        if status == 0:
            return
        client.send(msgpack.packb((_CRASHED, 0, ())))
        time.sleep(pause)


def _serve(keeper: int, client: socket.socket, resolve: Callable[[Question], Answer]) -> None:
    """Runs in the resolver: answers questions until the client closes its socket."""
    die_with_parent(keeper)
    setproctitle("laurel-mp: names")
    while message := client.recv(MAX_MESSAGE):
        kind, number = msgpack.unpackb(message)
        client.send(msgpack.packb((kind, number, resolve(Question(Kind(kind), number)))))


def _run(process: Callable[[], None]) -> NoReturn:
    """Runs a function as the whole life of a forked process."""
    status = 1
    try:
        process()
        status = 0
    finally:
        os._exit(status)

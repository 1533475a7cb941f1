"""Where crews come from: what all crews of a run share, and what outlives them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from laurel_mp.outputs.journal import Journal
from laurel_mp.pipeline.counters.accounts import Accounts
from laurel_mp.pipeline.counters.scoreboard import Scoreboard
from laurel_mp.pipeline.runner.fork_server import ForkServer
from laurel_mp.system.runtime_directory import RuntimeDirectory

WRITER, TRACKER, FIRST_WORKER = 0, 1, 2


class Task(NamedTuple):
    """What a child is to be; can be packed by msgpack."""

    role: str
    number: int
    """Which worker it is, from 0; 0 for others."""
    workers: int
    directory: str
    config: dict[str, Any]
    outputs: Any
    live: bool
    leave_out: int
    is_again: bool
    is_restart: bool

    @classmethod
    def of_plain(cls, arguments: list[Any]) -> Task:
        """The same, unpacked."""
        return cls(*arguments)


RunChild = Callable[["ProcessSpawner", list[Any]], None]
"""What a child does with the arguments of its request, until it has nothing left to do."""


class ProcessSpawner:
    """Makes the processes of crews. To be made before there are threads, as it forks."""

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self.journal = Journal.create()
        self.board = Scoreboard()
        self.accounts = Accounts(self.board)
        self.runtime = RuntimeDirectory()
        """For the sockets between the processes."""
        self._server: ForkServer | None = None

    def server(self, run_child: RunChild) -> ForkServer:
        """The fork server, whose children do `run_child`; a new one if there is none alive."""
        if self._server is not None and self._server.is_dead:
            self._server.close()
            self._server = None
        if self._server is None:
            self._server = ForkServer(partial(run_child, self))
        return self._server

    @staticmethod
    def slot(role: str, index: int) -> int:
        """Where on the board a process notes what it has in hand."""
        return {"writer": WRITER, "tracker": TRACKER}.get(role, FIRST_WORKER + index)

    def close(self) -> None:
        """Ends the fork server; removes what there is in the file system."""
        if self._server is not None:
            self._server.close()
        self.runtime.close()

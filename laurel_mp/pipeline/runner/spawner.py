"""Shared by all stage runners of a run: fork server, journal, scoreboard, runtime directory."""

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
    """Tells a child its role; msgpack can pack it."""

    role: str
    number: int
    """Index of the worker, from 0; 0 for other roles."""
    workers: int
    directory: str
    config: dict[str, Any]
    outputs: Any
    live: bool
    written_through: int
    is_first_start: bool
    is_restart: bool

    @classmethod
    def of_plain(cls, arguments: list[Any]) -> Task:
        """Returns the task of a request's arguments."""
        return cls(*arguments)


RunChild = Callable[["ProcessSpawner", list[Any]], None]
"""Runs in a child with the arguments of its request; the child ends when it returns."""


class ProcessSpawner:
    """Starts the processes of stage runners. Make it before there are threads, as it forks."""

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self.journal = Journal.create()
        self.board = Scoreboard()
        self.accounts = Accounts(self.board)
        self.runtime = RuntimeDirectory()
        """Holds the sockets between the processes."""
        self._server: ForkServer | None = None

    def server(self, run_child: RunChild) -> ForkServer:
        """Returns the fork server, whose children run `run_child`; starts one if none is alive."""
        if self._server is not None and self._server.is_dead:
            self._server.close()
            self._server = None
        if self._server is None:
            self._server = ForkServer(partial(run_child, self))
        return self._server

    @staticmethod
    def slot(role: str, index: int) -> int:
        """Returns the slot of a process on the scoreboard."""
        return {"writer": WRITER, "tracker": TRACKER}.get(role, FIRST_WORKER + index)

    def close(self) -> None:
        """Ends the fork server, and removes the directory."""
        if self._server is not None:
            self._server.close()
        self.runtime.close()

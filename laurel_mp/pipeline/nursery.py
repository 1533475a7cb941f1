"""Where crews come from: what all crews of a run share, and what outlives them."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from laurel_mp.outputs.journal import Journal
from laurel_mp.pipeline.accounts import Accounts
from laurel_mp.pipeline.board import Board
from laurel_mp.pipeline.forkserver import ForkServer
from laurel_mp.pipeline.runtime import RuntimeDirectory

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


class Nursery:
    """Makes the processes of crews. To be made before there are threads, as it forks."""

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self.journal = Journal.create()
        self.board = Board()
        self.accounts = Accounts(self.board)
        self.runtime = RuntimeDirectory()
        """For the sockets between the processes."""
        self._server: ForkServer | None = None

    def server(self) -> ForkServer:
        """The fork server; a new one if there is none, or if it has died."""
        if self._server is not None and self._server.is_dead:
            self._server.close()
            self._server = None
        if self._server is None:
            from laurel_mp.pipeline.parallel import start_child

            self._server = ForkServer(partial(start_child, self))
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

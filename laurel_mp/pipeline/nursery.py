"""Where crews come from: what all crews of a run share, and what outlives them."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from laurel_mp.outputs.journal import Journal
from laurel_mp.pipeline.board import Board
from laurel_mp.pipeline.forkserver import ForkServer

MAX_DIRECTORY = 80
"""Characters: with the name of an endpoint, the path of a socket has to fit 107 (unix(7))."""

WRITER, TRACKER, FIRST_WORKER = 0, 1, 2


class Task(NamedTuple):
    """What a child is to be; can be packed by msgpack."""

    role: str
    index: int
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
        self._directory: Path | None = None
        self._generation = 0
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

    def new_directory(self) -> Path:
        """A directory of mode 0700 for the sockets of a crew."""
        if self._directory is None:
            self._directory = _private_directory()
        self._generation += 1
        directory = self._directory / str(self._generation)
        directory.mkdir(mode=0o700)
        return directory

    def drop_directory(self, directory: Path) -> None:
        """A crew is gone."""
        shutil.rmtree(directory, ignore_errors=True)

    def close(self) -> None:
        """Ends the fork server; removes what there is in the file system."""
        if self._server is not None:
            self._server.close()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


def _private_directory() -> Path:
    directory = tempfile.mkdtemp(prefix="laurel-mp-")
    if len(directory) > MAX_DIRECTORY:
        Path(directory).rmdir()
        directory = tempfile.mkdtemp(prefix="laurel-mp-", dir="/tmp")
    return Path(directory)

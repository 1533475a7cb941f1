"""The fork server: what it starts, what it tells, and that it ends with its client."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from laurel_mp.errors import PipelineError
from laurel_mp.pipeline.runner.fork_server import Ended, ForkServer
from tests.support.waiting import wait_until


def child(arguments: list[Any]) -> None:
    """Do in a child what the arguments say."""
    what, *rest = arguments
    if what == "exit":
        sys.exit(*rest)
    if what == "write":
        Path(rest[0]).write_text(rest[1], encoding="ascii")
    if what == "wait":
        signal.pause()


@pytest.fixture
def server() -> Iterator[ForkServer]:
    """A running server."""
    server = ForkServer(child)
    yield server
    server.close()


def ended(server: ForkServer, count: int = 1) -> list[Ended]:
    """Wait for the ends of some children."""
    found: list[Ended] = []

    def enough() -> bool:
        found.extend(server.ended())
        return len(found) >= count

    wait_until(enough, f"{count} children have ended")
    return found


def test_arguments(server: ForkServer, tmp_path: Path) -> None:
    """A child gets its arguments, and its end is told."""
    pid = server.start(["write", str(tmp_path / "x"), "hello"])

    assert [Ended(pid, 0)] == ended(server)
    assert (tmp_path / "x").read_text() == "hello"


def test_failure(server: ForkServer) -> None:
    """A child that raises ends with status 1."""
    pid = server.start(["exit", 7])

    assert [Ended(pid, 1)] == ended(server)


def test_killed(server: ForkServer) -> None:
    """The end of a child that was killed tells the signal."""
    pid = server.start(["wait"])
    os.kill(pid, signal.SIGKILL)

    assert [Ended(pid, -signal.SIGKILL)] == ended(server)


def test_many(server: ForkServer) -> None:
    """Ends that are told while others start are not lost."""
    started = [server.start(["exit"]) for _ in range(50)]

    assert sorted(started) == sorted(pid for pid, _ in ended(server, 50))


def test_nothing_has_ended(server: ForkServer) -> None:
    """As long as nothing has ended, nothing is told, at once."""
    server.start(["wait"])

    assert server.ended() == []


def test_signals_to_the_group_are_for_the_client(server: ForkServer) -> None:
    """A child ignores what a terminal or a service manager sends to all processes."""
    pid = server.start(["wait"])
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_SLEEPING, "it waits")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
        os.kill(server.pid, number)
    other = server.start(["exit"])

    assert [other] == [pid for pid, _ in ended(server)]


def test_close() -> None:
    """Closing ends the server and all children."""
    server = ForkServer(child)
    pids = [server.start(["wait"]) for _ in range(3)]
    server.close()

    assert not any(psutil.pid_exists(pid) for pid in [server.pid, *pids])


def test_server_killed() -> None:
    """When the server is killed its children end; its client is told, and can start no more."""
    server = ForkServer(child)
    pid = server.start(["wait"])
    os.kill(server.pid, signal.SIGKILL)

    assert [Ended(server.pid, -signal.SIGKILL)] == ended(server)
    wait_until(lambda: not _lives(pid), "its child has ended")
    with pytest.raises(PipelineError, match="fork server"):
        server.start(["wait"])
    server.close()


def test_server_killed_with_a_request(server: ForkServer) -> None:
    """When the server ends without an answer, the request fails and does not wait for ever."""
    os.kill(server.pid, signal.SIGSTOP)
    client = os.fork()
    if client == 0:
        try:
            server.start(["exit"])
        except PipelineError:
            os._exit(7)
        os._exit(1)
    time.sleep(0)  # whether it has asked by now or not makes no difference
    os.kill(server.pid, signal.SIGKILL)

    assert os.waitstatus_to_exitcode(os.waitpid(client, 0)[1]) == 7


def test_client_killed() -> None:
    """When the client is killed, the server and all children end."""
    read, write = os.pipe()
    client = os.fork()
    if client == 0:
        server = ForkServer(child)
        pid = server.start(["wait"])
        os.write(write, b"%d %d\n" % (server.pid, pid))
        signal.pause()
    server_pid, pid = map(int, os.read(read, 100).split())
    os.kill(client, signal.SIGKILL)
    os.waitpid(client, 0)

    wait_until(lambda: not _lives(server_pid) and not _lives(pid), "both have ended")
    os.close(read)
    os.close(write)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

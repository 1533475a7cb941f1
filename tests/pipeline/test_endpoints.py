"""The sockets of a pipeline."""

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from laurel_mp.config import Config
from laurel_mp.pipeline.endpoints import Endpoints
from laurel_mp.pipeline.parallel import MAX_DIRECTORY, _private_directory


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    """Endpoints in a directory whose name is short enough."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        endpoints = Endpoints(Path(directory))
        yield endpoints
        endpoints.close()


def test_order_of_binding(endpoints: Endpoints) -> None:
    """Who connects may be there before who binds; nothing is lost."""
    with endpoints.connect(zmq.PUSH, "x") as sender:
        for number in range(1000):
            sender.send_multipart([b"%d" % number, b"frame"])
        with endpoints.bind(zmq.PULL, "x") as receiver:
            for number in range(1000):
                assert receiver.poll(10_000)
                assert [b"%d" % number, b"frame"] == receiver.recv_multipart()


def test_no_limit(endpoints: Endpoints) -> None:
    """A connected socket takes any number of messages at once."""
    with endpoints.connect(zmq.PUSH, "x") as sender:
        for _ in range(5000):
            sender.send(b"x", zmq.NOBLOCK)
        endpoints.close(0)


def test_private_directory() -> None:
    """Nobody else can get at the sockets."""
    directory = _private_directory()

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert len(str(directory)) <= MAX_DIRECTORY
    directory.rmdir()


def test_long_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the path would be too long for a socket, another place is found."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    directory = _private_directory()

    assert len(str(directory)) <= MAX_DIRECTORY
    assert list(deep.iterdir()) == []
    directory.rmdir()


def test_workers_fit() -> None:
    """The name of the last of all workers fits as well."""
    assert MAX_DIRECTORY + len("/worker-9999") < 107
    assert Config().pipeline.workers == "auto"

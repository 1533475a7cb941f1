"""The sockets between the processes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from laurel_mp.pipeline.runner.wire import Endpoints


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    """Endpoints in a directory whose name is short enough."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        endpoints = Endpoints(Path(directory))
        yield endpoints
        endpoints.close()


def test_order_of_binding(endpoints: Endpoints) -> None:
    """A socket may connect before its peer binds; no message is lost."""
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

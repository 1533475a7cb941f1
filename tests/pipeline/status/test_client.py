"""Asking a daemon, and what can go wrong with that."""

import socket
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from laurel_mp.pipeline.status import client as asking_module
from laurel_mp.pipeline.status.client import StatusError, ask


def test_an_answer_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless answer is refused."""
    monkeypatch.setattr(asking_module, "MAX_BYTES", 1 << 20)
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def talk() -> None:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):  # the client is gone
                while True:
                    connection.sendall(b"x" * 65536)

        thread = Thread(target=talk)
        thread.start()
        with pytest.raises(StatusError, match="the answer has no end"):
            ask(path)
        thread.join()


def test_what_is_no_socket(tmp_path: Path) -> None:
    """A file in the place of the socket, or of its directory, is an error that names it."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(StatusError, match="no answer at"):
        ask(tmp_path / "file")
    with pytest.raises(StatusError, match="file/socket: Not a directory"):
        ask(tmp_path / "file" / "socket")

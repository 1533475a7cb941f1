"""Whole lines to a file, a pipe, a full disk."""

import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs.stream import Output

TEXT = b"0123456789abcdef" * 20_000


def read_all(fd: int, into: list[bytes]) -> None:
    """Read slowly, in small pieces."""
    while data := os.read(fd, 1000):
        into.append(data)


@pytest.mark.parametrize("blocking", [True, False])
def test_short_writes(blocking: bool) -> None:
    """What a pipe does not take at once is written later; also if it does not wait."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, blocking)
    received: list[bytes] = []
    thread = threading.Thread(target=read_all, args=(read, received))
    thread.start()
    output = Output(write, "pipe")
    output.write(TEXT)
    output.close()
    thread.join()
    os.close(read)

    assert b"".join(received) == TEXT


def test_create(tmp_path: Path) -> None:
    """A new file is its owner's alone, whatever the umask; an old one is begun anew."""
    path = tmp_path / "x"
    before = os.umask(0)
    try:
        for text in (b"one\n", b"two\n"):
            output = Output.create(path)
            output.write(text)
            output.close()
    finally:
        os.umask(before)

    assert path.read_bytes() == b"two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_append(tmp_path: Path) -> None:
    """A log goes on where it ended."""
    path = tmp_path / "x"
    for text in (b"one\n", b"two\n"):
        output = Output.append(path)
        output.write(text)
        output.close()

    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_full_disk() -> None:
    """A full disk is an error that names the output."""
    output = Output.append(Path("/dev/full"))
    with pytest.raises(OutputError, match="/dev/full: can not be written: No space left") as caught:
        output.write(b"x\n")

    assert not caught.value.closed
    output.close()


def test_closed_pipe() -> None:
    """When nobody reads any more the error says so."""
    read, write = os.pipe()
    os.close(read)
    output = Output(write, "standard output")
    with pytest.raises(OutputError, match="standard output: nobody reads") as caught:
        output.write(b"x\n")

    assert caught.value.closed
    output.close()


def test_missing_directory(tmp_path: Path) -> None:
    """A file that can not be created is an error that names it."""
    with pytest.raises(OutputError, match="/missing/x: can not be written: No such file"):
        Output.create(tmp_path / "missing" / "x")

"""Whole lines to a descriptor: a pipe, a device, a file."""

import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.stream import Stream
from tests.support.outputs import EnoughError, Waiting, policy

TEXT = b"0123456789abcde\n" * 20_000


def read_all(fd: int, into: list[bytes]) -> None:
    """Read slowly, in small pieces."""
    while data := os.read(fd, 1000):
        into.append(data)


@pytest.mark.parametrize("waiting", [None, Waiting()], ids=["impatient", "patient"])
@pytest.mark.parametrize("blocking", [True, False])
def test_short_writes(blocking: bool, waiting: Waiting | None) -> None:
    """Bytes that a pipe does not take at once are written later, blocking or not."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, blocking)
    received: list[bytes] = []
    thread = threading.Thread(target=read_all, args=(read, received))
    thread.start()
    output = Stream(write, StallPolicy("pipe", waiting))
    sizes: list[int] = []
    output.write(TEXT, sizes.append)
    output.close()
    thread.join()
    os.close(read)

    assert b"".join(received) == TEXT
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(TEXT)


def test_a_pipe_without_a_reader() -> None:
    """A pipe that blocks reports the wait, and the wait can be given up."""
    read, write = os.pipe()
    waiting = Waiting()
    waiting.then = waiting.give_up
    output = Stream(write, policy("pipe", waiting))
    with pytest.raises(EnoughError):
        output.write(TEXT)

    assert waiting.reasons == ["pipe: its reader is slow"] * 2
    output.close()
    os.close(read)


def test_create(tmp_path: Path) -> None:
    """A new file is its owner's alone, whatever the umask; an old one is truncated."""
    path = tmp_path / "x"
    before = os.umask(0)
    try:
        for text in (b"one\n", b"two\n"):
            output = Stream.create(str(path), StallPolicy("x"))
            output.write(text)
            output.close()
    finally:
        os.umask(before)

    assert path.read_bytes() == b"two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_full_disk() -> None:
    """A full disk is an error that names the output, for those who do not wait."""
    output = Stream.device("/dev/full", StallPolicy("/dev/full"))
    with pytest.raises(OutputError, match="/dev/full: cannot be written: No space left") as caught:
        output.write(b"x\n")

    assert not caught.value.closed
    output.close()


def test_waiting_for_a_full_disk() -> None:
    """L1: a full disk is waited out, by those who have the patience."""
    waiting = Waiting()
    waiting.then = waiting.give_up
    output = Stream.device("/dev/full", policy("/dev/full", waiting))
    with pytest.raises(EnoughError):
        output.write(b"x\n")

    assert waiting.reasons == ["/dev/full: No space left on device"] * 2
    output.close()


@pytest.mark.parametrize("waiting", [None, Waiting()], ids=["impatient", "patient"])
def test_closed_pipe(waiting: Waiting | None) -> None:
    """Without a reader there is nothing to wait for."""
    read, write = os.pipe()
    os.close(read)
    output = Stream(write, StallPolicy("standard output", waiting))
    with pytest.raises(OutputError, match="standard output: its reader has gone") as caught:
        output.write(b"x\n")

    assert caught.value.closed
    output.close()


def test_missing_directory(tmp_path: Path) -> None:
    """A file that cannot be created is an error that names it."""
    with pytest.raises(OutputError, match="/missing/x: cannot be written: No such file"):
        Stream.create(str(tmp_path / "missing" / "x"), StallPolicy("x"))


def test_missing_device(tmp_path: Path) -> None:
    """So is a device that has gone meanwhile."""
    with pytest.raises(OutputError, match="/x: cannot be written: No such file"):
        Stream.device(str(tmp_path / "x"), StallPolicy("x"))

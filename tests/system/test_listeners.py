"""Sockets at paths and addresses: made without a gap, and never in place of something else."""

import os
import socket
import stat
from pathlib import Path

import pytest

from laurel_mp.system.listeners import ListenError, UnixListener, connect, listen_on_address


def test_mode_and_end(tmp_path: Path) -> None:
    """It has its mode whatever the umask is, takes connections, and is gone in the end."""
    tmp_path.chmod(0o700)
    path = tmp_path / "socket"
    before = os.umask(0o027)
    try:
        listener = UnixListener(path, 0o666)
    finally:
        os.umask(before)
    with connect(path, 1.0) as client:
        assert client.getpeername() == str(path)
        accepted, _ = listener.socket.accept()
        accepted.close()

    assert stat.S_IMODE(path.lstat().st_mode) == 0o666
    assert [each.name for each in tmp_path.iterdir()] == ["socket"]
    listener.remove()
    listener.socket.close()
    assert not path.exists()


def test_long_path(tmp_path: Path) -> None:
    """A path may be longer than a socket's name can be."""
    directory = tmp_path / ("d" * 200)
    directory.mkdir(mode=0o700)
    listener = UnixListener(directory / "socket", 0o600)

    with listener.socket, connect(directory / "socket", 1.0) as client:
        assert client.getpeername().endswith("/socket")


def test_in_place_of_a_dead_one(tmp_path: Path) -> None:
    """The socket of a killed daemon is replaced."""
    path = tmp_path / "socket"
    UnixListener(path, 0o600).socket.close()
    with UnixListener(path, 0o600).socket, connect(path, 1.0):
        pass


def test_not_in_place_of_a_live_one(tmp_path: Path) -> None:
    """A socket with a listener is not replaced."""
    path = tmp_path / "socket"
    with UnixListener(path, 0o600).socket:
        with pytest.raises(ListenError, match="socket: another process listens there"):
            UnixListener(path, 0o600)
        assert path.is_socket()


def test_not_in_place_of_a_file(tmp_path: Path) -> None:
    """A file, or a link to somewhere, is left alone."""
    path = tmp_path / "socket"
    path.write_text("precious")
    (tmp_path / "link").symlink_to(path)

    for each in (path, tmp_path / "link"):
        with pytest.raises(ListenError, match="is not a socket"):
            UnixListener(each, 0o600)
    assert path.read_text() == "precious"


def test_not_where_others_write(tmp_path: Path) -> None:
    """Not in a directory in which others could put something in its place."""
    tmp_path.chmod(0o777)

    with pytest.raises(ListenError, match="group or others can write it"):
        UnixListener(tmp_path / "socket", 0o600)


def test_no_directory(tmp_path: Path) -> None:
    """Without a directory there is no socket."""
    with pytest.raises(ListenError, match="none/socket: No such file or directory"):
        UnixListener(tmp_path / "none" / "socket", 0o600)


def test_path_of_another_process(tmp_path: Path) -> None:
    """`remove` leaves another file at the path."""
    path = tmp_path / "socket"
    listener = UnixListener(path, 0o600)
    listener.socket.close()
    (tmp_path / "kept").hardlink_to(path)  # or else the next file may get its number at once
    with UnixListener(path, 0o600).socket:
        listener.remove()

        assert path.is_socket()


def test_address() -> None:
    """Both families; an address that is taken is an error that names it."""
    for address, family in (("127.0.0.1", socket.AF_INET), ("[::1]", socket.AF_INET6)):
        with socket.socket(family) as probe:
            probe.bind((address.strip("[]"), 0))
            port = probe.getsockname()[1]
        with listen_on_address(f"{address}:{port}") as listener:
            assert listener.family is family
            with pytest.raises(ListenError, match=f"{port}: Address already in use"):
                listen_on_address(f"{address}:{port}")

"""ACLs that let others read a log file."""

import errno
import os
import struct
from pathlib import Path

import pytest

from laurel_mp.outputs import acl
from laurel_mp.outputs.acl import Readers, encode, grant
from laurel_mp.outputs.file import LogFile
from laurel_mp.outputs.target import Target
from tests.support import requirements
from tests.support.outputs import policy

READERS = Readers((1234, 1001), (5, 4))


def supported(path: Path) -> bool:
    """True if the file system of a path has ACLs."""
    try:
        os.setxattr(path, acl.XATTR, encode(READERS))
    except OSError:
        return False
    os.removexattr(path, acl.XATTR)
    return True


def entries(path: Path) -> list[tuple[int, int, int]]:
    """Tag, permissions and id, as the kernel gives them back."""
    return list(struct.iter_unpack("<HHI", os.getxattr(path, acl.XATTR)[4:]))


def test_entries_of_all_files(tmp_path: Path) -> None:
    """Only the named users and groups may read the file and its generations."""
    path = tmp_path / "x.log"
    path.touch()
    requirements.require(supported(path), "a file system with ACLs")
    file = LogFile(Target(str(path), 0, 2, READERS), policy(path))
    file.open()
    file.write(b"one\n")
    file.rotate()
    file.close()

    for each in (path, tmp_path / "x.log.1"):
        assert entries(each) == [
            (0x01, 6, 0xFFFFFFFF),
            (0x02, 4, 1001),
            (0x02, 4, 1234),
            (0x04, 0, 0xFFFFFFFF),
            (0x08, 4, 4),
            (0x08, 4, 5),
            (0x10, 4, 0xFFFFFFFF),
            (0x20, 0, 0xFFFFFFFF),
        ]


def test_readers_can_read(public_path: Path, requires_root: None) -> None:
    """A user who was named can read the file, another one cannot."""
    path = public_path / "x.log"
    path.touch()
    requirements.require(supported(path), "a file system with ACLs")
    file = LogFile(Target(str(path), 0, 2, READERS), policy(path))
    file.open()
    file.write(b"one\n")
    file.close()
    found = {}
    for uid, gid in ((1234, 99), (1235, 99), (1235, 4), (1235, 0)):
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            os._exit(0 if os.access(path, os.R_OK) and not os.access(path, os.W_OK) else 1)
        found[uid, gid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    assert found == {(1234, 99): True, (1235, 99): False, (1235, 4): True, (1235, 0): False}


def test_former_readers_lose_their_rights(tmp_path: Path) -> None:
    """A present file gets the list of the configuration in place of its own."""
    path = tmp_path / "x.log"
    path.touch()
    requirements.require(supported(path), "a file system with ACLs")
    os.setxattr(path, acl.XATTR, encode(READERS))
    file = LogFile(Target(str(path)), policy(path))
    file.open()
    file.close()

    assert acl.XATTR not in os.listxattr(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("readers", "mode", "group"),
    [
        (Readers((1001,), ()), 0o600, 0),
        (Readers((), (4, 5)), 0o640, 4),
        (Readers((1001,), (5,)), 0o640, 5),
        (Readers((1001,), (), other=True), 0o604, 0),
    ],
)
def test_no_acls(
    tmp_path: Path,
    requires_root: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    readers: Readers,
    mode: int,
    group: int,
) -> None:
    """L18: without ACLs the mode comes as near as it can to what was asked, which is said once."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", fail)
    path = tmp_path / "x.log"
    file = LogFile(Target(str(path), 0, 2, readers), policy(path))
    file.open()
    file.write(b"one\n")
    file.rotate()
    file.close()
    status = path.stat()

    assert (status.st_mode & 0o777, status.st_gid) == (mode, group)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"{path}: file system without ACLs: ")


def test_no_acls_and_no_such_group_of_ours(
    tmp_path: Path, requires_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L18: a group that a file cannot be given to stays without rights."""

    def fail(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    def no_acl(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", no_acl)
    monkeypatch.setattr(os, "fchown", fail)
    path = tmp_path / "x.log"
    with path.open("wb") as file:
        said = grant(file.fileno(), Readers((), (4,)))

    assert "ignoring" in said
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights that cannot be set are a message, no error."""

    def fail(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "setxattr", fail)
    with (tmp_path / "x").open("wb") as file:
        said = grant(file.fileno(), READERS)

    assert said == "cannot set its readers: Operation not permitted"

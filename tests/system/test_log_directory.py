"""The directory of the logs."""

import logging
import os
import stat
from pathlib import Path

import pytest

from laurel_mp.errors import ConfigError
from laurel_mp.system.log_directory import LOCK, DirectoryLock, prepare
from laurel_mp.system.privileges import User
from tests.support.forked import in_child
from tests.support.waiting import wait_until

OTHER = User("other", 12345, 12345)


def refusal(path: Path, user: User | None = None) -> str:
    """The message with which a directory is refused."""
    with pytest.raises(ConfigError) as caught:
        prepare(path, user)
    return str(caught.value).removeprefix(f"directory: {path}: ")


def test_made(tmp_path: Path) -> None:
    """One that is missing is made, for us alone."""
    prepare(tmp_path / "log", None)

    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700


@pytest.mark.usefixtures("requires_root")
def test_made_for_the_user(tmp_path: Path) -> None:
    """S8: One that root makes belongs to the user."""
    prepare(tmp_path / "log", OTHER)

    status = (tmp_path / "log").stat()
    assert (OTHER.uid, OTHER.gid, 0o40700) == (status.st_uid, status.st_gid, status.st_mode)


@pytest.mark.usefixtures("requires_root")
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
@pytest.mark.parametrize("owner", [0, OTHER.uid])
def test_untouched(tmp_path: Path, mode: int, owner: int) -> None:
    """S8: One that exists keeps its mode, its owner and its group."""
    tmp_path.chmod(mode)
    os.chown(tmp_path, owner, 4)
    before = tmp_path.stat()
    prepare(tmp_path, OTHER)

    assert before == tmp_path.stat()


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777])
def test_writable_by_others(tmp_path: Path, mode: int) -> None:
    """One where others could put links is refused, sticky or not."""
    tmp_path.chmod(mode)

    assert refusal(tmp_path) == f"group or others can write it (mode {mode:04o})"


@pytest.mark.usefixtures("requires_root")
def test_foreign(tmp_path: Path) -> None:
    """A directory of another user is refused."""
    os.chown(tmp_path, 4711, 0)

    assert refusal(tmp_path, OTHER) == "belongs to another user (user id 4711)"


@pytest.mark.usefixtures("requires_root")
def test_link_of_others(tmp_path: Path) -> None:
    """A link of another user is not followed."""
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to("real")
    prepare(tmp_path / "link", None)
    os.chown(tmp_path / "link", 4711, 0, follow_symlinks=False)

    assert refusal(tmp_path / "link") == f"{tmp_path}/link is a symbolic link of another user"


def test_no_directory(tmp_path: Path) -> None:
    """A file is no directory, and without a parent none can be made."""
    (tmp_path / "file").touch()

    assert refusal(tmp_path / "file") == "is not a directory"
    assert refusal(tmp_path / "none" / "log") == "No such file or directory"


# --- the lock


def test_one_at_a_time(tmp_path: Path) -> None:
    """Only one process holds the lock, and others do not wait."""
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)

    assert first.try_hold()
    assert first.held
    assert first.try_hold()
    assert not second.try_hold()
    assert not second.held
    assert second.holder() == f"process {os.getpid()}"
    first.close()
    assert second.try_hold()
    second.close()
    assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == 0o600


def test_held_until_the_last_child_ends(tmp_path: Path) -> None:
    """When the process that took it is killed, its children still have it until they end."""
    read, write = os.pipe()
    lock = DirectoryLock(tmp_path)
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    assert lock.try_hold()
    lock.close()
    after = DirectoryLock(tmp_path)
    assert not after.try_hold()
    os.close(write)
    os.waitpid(child, 0)
    wait_until(after.try_hold, "the lock is free")
    after.close()


def test_not_a_link(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A link in the lock's place is not followed."""
    (tmp_path / LOCK).symlink_to(tmp_path / "target")
    lock = DirectoryLock(tmp_path)
    lock.try_hold()
    lock.close()

    assert not (tmp_path / "target").exists()
    assert "cannot be locked" in caplog.text


@pytest.mark.usefixtures("requires_root")
def test_unwritable_directory(tmp_path: Path) -> None:
    """A directory that cannot be locked is logged, and counts as held."""

    def attempt() -> list[object]:
        said: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger().addHandler(handler)
        os.setuid(OTHER.uid)
        lock = DirectoryLock(tmp_path)
        return [lock.try_hold(), *said]

    tmp_path.chmod(0o755)
    assert in_child(attempt) == [True, f"{tmp_path}: cannot be locked: Permission denied"]


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"\xff" * 100])
def test_holder(tmp_path: Path, content: bytes) -> None:
    """Whatever is in the file, there is a word for who holds it."""
    lock = DirectoryLock(tmp_path)
    (tmp_path / LOCK).write_bytes(content)

    assert lock.holder() == "another process"
    lock.close()

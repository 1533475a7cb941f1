"""The directory of a run."""

import os
import pwd
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from laurel_mp.errors import PipelineError
from laurel_mp.system import runtime_directory
from laurel_mp.system.privileges import User
from laurel_mp.system.runtime_directory import MAX_LENGTH, PREFIX, RuntimeDirectory
from tests.support.forked import in_child


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short parent for runtime directories."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        monkeypatch.setenv("TMPDIR", directory)
        yield Path(directory)


def test_private(place: Path) -> None:
    """Other users have no access; afterwards it is gone."""
    with RuntimeDirectory() as run:
        assert run.path.parent == place
        inner = run.fresh()
        assert [stat.S_IMODE(path.stat().st_mode) for path in (run.path, inner)] == [0o700, 0o700]
        (inner / "socket").touch()

    assert not list(place.iterdir())


def test_fresh(place: Path) -> None:
    """Each start of children has an empty directory of its own; the one before is removed."""
    with RuntimeDirectory() as run:
        first = run.fresh()
        (first / "socket").touch()
        second = run.fresh()

        assert second != first
        assert [second] == list(run.path.iterdir())
        assert not list(second.iterdir())


def test_dead_runs_are_removed(place: Path) -> None:
    """The next run removes the directory of a killed run, but none in use."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        (RuntimeDirectory().fresh() / "socket").touch()
        os.write(write, b"!")
        signal.pause()
    os.read(read, 1)
    [dead] = place.iterdir()
    living = RuntimeDirectory()
    (place / "laurel-mp-run-of-mine").mkdir()
    assert dead.exists()  # as long as it lives
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with RuntimeDirectory() as run:
        expected = {living.path, run.path, place / "laurel-mp-run-of-mine"}
        assert expected == set(place.iterdir())
    living.close()
    os.close(read)
    os.close(write)


def test_children_keep_it(place: Path) -> None:
    """As long as a child lives, the run is not over."""
    read, write = os.pipe()
    run = RuntimeDirectory()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    os.close(run._lock)
    with RuntimeDirectory() as other:
        assert {run.path, other.path} == set(place.iterdir())
    os.close(write)
    os.waitpid(child, 0)
    with RuntimeDirectory() as other:
        assert [other.path] == list(place.iterdir())


@pytest.mark.usefixtures("requires_root")
def test_those_of_others_are_not_removed(place: Path) -> None:
    """The directory of another user's dead run stays."""
    foreign = place / (PREFIX + "01234567")
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    with RuntimeDirectory():
        assert foreign.exists()


def test_links_are_not_followed(place: Path, tmp_path: Path) -> None:
    """A link that looks like a dead run is left alone, and so is its target."""
    (tmp_path / "file").touch()
    (place / (PREFIX + "01234567")).symlink_to(tmp_path)
    with RuntimeDirectory():
        pass

    assert (tmp_path / "file").exists()


def test_long_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the path is too long for a socket, another parent is used."""
    deep = place / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    with RuntimeDirectory() as run:
        assert len(str(run.path)) <= MAX_LENGTH
        assert not list(deep.iterdir())

    assert MAX_LENGTH + len("/1234567/worker-9999") < 107


@pytest.mark.usefixtures("requires_root")
def test_unsafe_parent(place: Path) -> None:
    """A directory that another user can rename is not used."""
    os.chown(place, 12345, 12345)
    with RuntimeDirectory() as run:
        assert run.path.parent != place
    os.chown(place, 0, 0)


def test_no_place(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any place it cannot start, and says why."""
    monkeypatch.setattr(runtime_directory, "_parents", lambda: [place / "none"])
    with pytest.raises(PipelineError, match=f"^no directory .* be made: {place}/none: No such"):
        RuntimeDirectory()


@contextmanager
def system(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another place for /run/laurel-mp, and no $TMPDIR."""
    monkeypatch.setattr(runtime_directory, "SYSTEM", path)
    monkeypatch.delenv("TMPDIR")
    yield


@pytest.mark.usefixtures("requires_root")
def test_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root makes a place below /run for the user, who then needs no other."""
    place.chmod(0o755)
    entry = pwd.getpwnam("nobody")
    user = User(entry.pw_name, entry.pw_uid, entry.pw_gid)
    with system(place / "run", monkeypatch):
        runtime_directory.prepare(user)
        runtime_directory.prepare(user)  # as each start does

        def made() -> list[str]:
            os.umask(0o077)
            os.setgid(user.gid)
            os.setuid(user.uid)
            with RuntimeDirectory() as run:
                return [str(run.path.parent), str(run.fresh().parent.parent)]

        mine = place / "run" / str(user.uid)
        assert [str(mine)] * 2 == in_child(made)
        assert (user.uid, 0o40700) == (mine.stat().st_uid, mine.stat().st_mode)
        assert stat.S_IMODE(mine.parent.stat().st_mode) == 0o755


@pytest.mark.usefixtures("requires_root")
def test_run_of_another_user(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If others could write it, nothing is made there, and /tmp has to do."""
    (place / "run").mkdir()
    (place / "run").chmod(0o777)
    with system(place / "run", monkeypatch):
        runtime_directory.prepare(None)
        with RuntimeDirectory() as run:
            assert run.path.parent == Path("/tmp")

    assert not list((place / "run").iterdir())

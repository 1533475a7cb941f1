"""Files and directories are trusted only if no other user controls them."""

import os
from pathlib import Path

import pytest

from laurel_mp.config import load
from laurel_mp.config.trust import distrust, foreign_link
from laurel_mp.errors import ConfigError

OURS = os.geteuid()
FOREIGN = 12345


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration that can be read."""
    path = tmp_path / "etc" / "config.toml"
    path.parent.mkdir(mode=0o755)
    path.write_text('directory = "/srv"\n')
    path.chmod(0o600)
    return path


def refusal(path: Path) -> str:
    """The message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o555, 0o1755])
def test_trusted(tmp_path: Path, mode: int) -> None:
    """A file that only its owner can write is trusted."""
    tmp_path.chmod(mode)
    assert distrust(tmp_path.stat(), OURS) == ""
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_writable(tmp_path: Path, mode: int) -> None:
    """A file that others can write is not."""
    tmp_path.chmod(mode)

    assert distrust(tmp_path.stat(), OURS) == f"group or others can write it (mode {mode:04o})"


@pytest.mark.usefixtures("requires_root")
def test_foreign(tmp_path: Path) -> None:
    """A file of another user is not, except of root or the expected owner."""
    os.chown(tmp_path, FOREIGN, FOREIGN)
    assert distrust(tmp_path.stat(), OURS) == "belongs to another user (user id 12345)"
    assert distrust(tmp_path.stat(), FOREIGN) == ""
    os.chown(tmp_path, 0, 0)
    assert distrust(tmp_path.stat(), FOREIGN) == ""


@pytest.mark.usefixtures("requires_root")
def test_foreign_configuration(file: Path) -> None:
    """A configuration that belongs to another user is refused."""
    os.chown(file, FOREIGN, -1)

    assert refusal(file) == "belongs to another user (user id 12345)"


def test_directory_of_the_configuration(file: Path) -> None:
    """In a directory that others can write, it is refused."""
    file.parent.chmod(0o775)

    expected = f"its directory {file.parent} group or others can write it (mode 0775)"
    assert refusal(file) == expected


def test_sticky_directory(file: Path) -> None:
    """In a sticky directory they could not."""
    file.parent.chmod(0o1777)

    assert load(file).directory == "/srv"


def test_directory_of_the_target(file: Path, tmp_path: Path) -> None:
    """Also where a link leads to."""
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    assert load(link).directory == "/srv"
    file.parent.chmod(0o775)

    assert refusal(link).startswith(f"its directory {file.parent} ")


@pytest.mark.usefixtures("requires_root")
def test_links_of_others(file: Path, tmp_path: Path) -> None:
    """A link of another user is not followed, wherever on the way it is."""
    inner = tmp_path / "inner"
    inner.symlink_to("etc")
    outer = tmp_path / "outer"
    outer.symlink_to(tmp_path / "etc" / ".." / "inner")
    path = outer / file.name
    assert foreign_link(path, OURS) is None
    assert load(path).directory == "/srv"
    os.chown(inner, FOREIGN, FOREIGN, follow_symlinks=False)

    assert inner == foreign_link(path, OURS)
    assert foreign_link(path, FOREIGN) is None
    assert refusal(path) == f"{inner} is a symbolic link of another user"


def test_links_in_a_circle(tmp_path: Path) -> None:
    """Links that lead nowhere end somewhere."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    assert foreign_link(tmp_path / "a", OURS) is None
    assert refusal(tmp_path / "a") == "cannot be read: Too many levels of symbolic links"

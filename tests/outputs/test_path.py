"""From a name to an output."""

import os
from pathlib import Path

import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs.fifo import Fifo
from laurel_mp.outputs.file import LogFile
from laurel_mp.outputs.open_sink import OpenSink
from laurel_mp.outputs.program import Program
from laurel_mp.outputs.shared_files import refuse_shared
from laurel_mp.outputs.stream import Stream
from laurel_mp.outputs.target import Target
from laurel_mp.outputs.unix_socket import UnixSocket


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("{}/x.log", LogFile),
        ("{}/fifo", Fifo),
        ("| cat -u", Program),
        ("unix:/no/such/socket", UnixSocket),
        ("/dev/null", Stream),
    ],
)
def test_kinds(tmp_path: Path, name: str, expected: type[OpenSink]) -> None:
    """Each form of a name, and what stands at a path, have their kind of output."""
    os.mkfifo(tmp_path / "fifo")
    output = Target(name.format(tmp_path)).open()
    output.tick()
    output.sync()
    output.rotate()
    output.close()

    assert type(output) is expected


def test_links_are_refused(tmp_path: Path) -> None:
    """Links that others may have made are not followed, wherever they lead."""
    for name, to in (("a", "/dev/null"), ("b", "fifo"), ("c", "missing")):
        (tmp_path / name).symlink_to(to)
        with pytest.raises(OutputError, match=f"{name}: cannot be written: is a symbolic link"):
            Target(str(tmp_path / name)).open()


@pytest.mark.parametrize("present", [True, False])
def test_one_file_for_two_outputs(tmp_path: Path, present: bool) -> None:
    """Two outputs cannot share a file, by whatever name."""
    (tmp_path / "d").mkdir()
    (tmp_path / "e").symlink_to("d")
    if present:
        (tmp_path / "d" / "x").touch()
    with pytest.raises(OutputError, match=r"e/x: is the file of two outputs"):
        refuse_shared([Target(f"{tmp_path}/d/x"), Target(f"{tmp_path}/e/x")])


def test_hard_links_are_one_file(tmp_path: Path) -> None:
    """Nor can they if it has two names."""
    (tmp_path / "x").touch()
    (tmp_path / "y").hardlink_to(tmp_path / "x")
    with pytest.raises(OutputError, match="y: is the file of two outputs"):
        refuse_shared([Target(f"{tmp_path}/x"), Target(f"{tmp_path}/y")])


@pytest.mark.parametrize("swapped", [True, False])
def test_former_file_of_another_output(tmp_path: Path, swapped: bool) -> None:
    """Rotation of one output would overwrite the other."""
    targets = [Target(f"{tmp_path}/x", 0, 5), Target(f"{tmp_path}/x.3")]
    with pytest.raises(OutputError, match=r"x\.3: is a former file of the output .*/x$"):
        refuse_shared(targets[::-1] if swapped else targets)


def test_different_outputs(tmp_path: Path) -> None:
    """Whatever is no file may be shared, and files that differ are in order."""
    files = [Target(f"{tmp_path}/{name}", 0, 5) for name in ("x", "y", "x.6", "x.", "x.0", "x.1.1")]
    others = [Target("-"), Target("| cat"), Target("unix:/x"), Target("/dev/null")]

    refuse_shared([*files, *others, *others])

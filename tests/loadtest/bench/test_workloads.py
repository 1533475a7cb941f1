"""Input of candidates."""

import lzma
from pathlib import Path

import pytest

from laurel_mp.errors import InputError
from laurel_mp.loadtest.bench.workloads import End, Workload
from tests.support.peers import events


def test_file(tmp_path: Path) -> None:
    """A file is taken as it is, and counted."""
    path = tmp_path / "capture.txt"
    path.write_bytes(events(3))

    assert Workload("capture.txt", path, 6, len(events(3))) == Workload.of(path)


def test_packed_file(tmp_path: Path) -> None:
    """A packed file is unpacked, since a peer cannot do that."""
    packed, place = tmp_path / "capture.txt.xz", tmp_path / "place"
    packed.write_bytes(lzma.compress(events(3)))
    place.mkdir()

    workload = Workload.unpacked(packed, place)

    assert events(3) == workload.path.read_bytes()
    assert (workload.name, workload.path.parent, workload.lines) == ("capture.txt.xz", place, 6)


@pytest.mark.parametrize("data", [None, b"", b"no newline"])
def test_nothing_to_do(tmp_path: Path, data: bytes | None) -> None:
    """A file that is missing or has no line is an error that names it."""
    path = tmp_path / "capture.txt"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(InputError, match=r"capture\.txt: "):
        Workload.of(path)


def test_ends(tmp_path: Path) -> None:
    """Events come in the order of their last records, whatever they are mixed with."""
    lines = [
        b"type=SYSCALL msg=audit(1.000:1): a=1\n",
        b"node=web type=SYSCALL msg=audit(1.000:1): a=1\n",
        b"nonsense\n",
        b"type=SYSCALL msg=audit(1.000:2): a=1\n",
        b"type=EOE msg=audit(1.000:2): \n",
        b"type=EOE msg=audit(1.000:1): \n",
    ]
    path = tmp_path / "capture.txt"
    path.write_bytes(b"".join(lines))
    ends = [sum(map(len, lines[:number])) for number in (2, 5, 6)]

    assert [
        End(ends[0], (b"web", b"1.000:1")),
        End(ends[1], (b"", b"1.000:2")),
        End(ends[2], (b"", b"1.000:1")),
    ] == Workload.of(path).ends()

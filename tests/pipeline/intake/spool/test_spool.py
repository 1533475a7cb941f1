"""The spool: in order, over restarts, whatever becomes of its files."""

import errno
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.config import Config
from laurel_mp.config.schema import Pipeline
from laurel_mp.pipeline.intake.pieces import Piece
from laurel_mp.pipeline.intake.spool import segments
from laurel_mp.pipeline.intake.spool.spool import Spool, SpoolFullError, SpoolStatistics

MOST = 1 << 20
EVERYTHING = 1 << 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Path of the spool, which does not exist yet."""
    return tmp_path / "spool"


def take_all(spool: Spool) -> bytes:
    """Take what is in a spool, whatever its arrivals."""
    taken = b""
    while (piece := spool.take(1)) is not None:
        taken += piece.data
    return taken


def leave(path: Path, *data: bytes, arrival: float = 1.0) -> None:
    """Leave these pieces in a spool, a second apart."""
    spool = Spool(path, MOST)
    spool.load()
    for number, part in enumerate(data):
        spool.append(Piece(part, arrival + number))
    spool.close()


def loaded(path: Path, *, within_line: bool = False) -> Spool:
    """The spool of the next run."""
    spool = Spool(path, MOST)
    spool.load(within_line=within_line)
    return spool


def segment_files(path: Path) -> list[Path]:
    """The files of a spool, but for those that were set aside."""
    return sorted(file for file in path.iterdir() if file.suffix != ".corrupt")


def overwrite(file: Path, offset: int, data: bytes) -> None:
    """Damage a file; an offset below zero counts from its end."""
    content = bytearray(file.read_bytes())
    begin = offset % len(content)
    content[begin : begin + len(data)] = data
    file.write_bytes(content)


def test_in_order_across_segments(path: Path) -> None:
    """Pieces come out in order; files are removed when they were read and released."""
    spool = Spool(path, MOST, segment_bytes=1000)
    parts = [b"%d\n" % number * 50 for number in range(100)]
    for number, part in enumerate(parts):
        spool.append(Piece(part, float(number)))

    assert len(segment_files(path)) > 10
    assert spool.statistics().bytes == spool.bytes == sum(map(len, parts))
    assert spool.statistics().pieces == 100
    for number, part in enumerate(parts):
        assert spool.take(1) == Piece(part, number)
    assert spool.take(1) is None
    spool.release(spool.taken)
    assert segment_files(path) == []
    assert spool.statistics() == SpoolStatistics(0, 0, 0)
    spool.append(Piece(b"again", 200.0))
    assert spool.take(1) == Piece(b"again", 200.0)
    spool.close()


def test_join(path: Path) -> None:
    """Pieces are joined if they came within a tenth of a second, up to about what was asked for."""
    spool = Spool(path, MOST)
    for arrival in (1.0, 1.05, 1.1, 1.15, 3.0, 3.0, 3.0):
        spool.append(Piece(b"x" * 10, arrival))

    assert spool.take(1000) == Piece(b"x" * 30, 1.0)
    assert spool.take(1000) == Piece(b"x" * 10, 1.15)
    assert spool.take(15) == Piece(b"x" * 20, 3.0)
    assert spool.take(15) == Piece(b"x" * 10, 3.0)
    spool.close()


def test_private(path: Path) -> None:
    """Other users have no access, whatever the umask; the directory is made when it is needed."""
    spool = Spool(path, MOST)
    assert not path.exists()
    before = os.umask(0)
    try:
        spool.append(Piece(b"x", 1.0))
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in segment_files(path)] == [0o600]
    spool.close()


def test_bounded(path: Path) -> None:
    """It takes no more than it may hold, and takes more when it was read."""
    spool = Spool(path, 10_000)
    for _ in range(9):
        spool.append(Piece(b"x" * 1000, 1.0))
    with pytest.raises(SpoolFullError):
        spool.append(Piece(b"x" * 1000, 1.0))

    assert 7_000 < sum(file.stat().st_size for file in segment_files(path)) <= 10_000
    assert spool.statistics().disk_bytes <= 10_000
    for _ in range(4):
        spool.take(1)
    spool.release(spool.taken)
    spool.append(Piece(b"x", 1.0))
    spool.close()


@pytest.mark.parametrize("kind", ["link", "writable", "file", "foreign"])
def test_refused(path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A directory that others may have made is not used; that is said, and is an error."""
    if kind == "link":
        (path.parent / "elsewhere").mkdir()
        path.symlink_to(path.parent / "elsewhere")
    elif kind == "file":
        path.touch()
    else:
        path.mkdir()
        path.chmod(0o777 if kind == "writable" else 0o700)
        if kind == "foreign":
            if os.geteuid() != 0:
                pytest.skip("needs root")
            os.chown(path, 12345, 12345)
    spool = Spool(path, MOST)
    spool.load()

    assert "cannot be used" in caplog.text
    with pytest.raises(OSError, match=r".") as raised:
        spool.append(Piece(b"x", 1.0))
    assert raised.value.errno in {errno.ENOTDIR, errno.ELOOP, errno.EPERM}
    spool.close()


def test_unusable_at_first(path: Path) -> None:
    """A directory that becomes usable later is used from then on; what was there stays there."""
    leave(path, b"former")
    path.chmod(0o777)
    spool = loaded(path)
    path.chmod(0o700)
    spool.append(Piece(b"new", 1.0))

    assert take_all(spool) == b"new"
    spool.close()
    assert len(segment_files(path)) == 2


def test_of_configuration(tmp_path: Path) -> None:
    """The directory is below `directory`, and an empty name is for no spool."""
    spool = Spool.of(Config(directory=str(tmp_path), pipeline=Pipeline(spool="waiting")))

    assert spool is not None
    assert spool.path == tmp_path / "waiting"
    assert Spool.of(Config(pipeline=Pipeline(spool=""))) is None


def test_next_run(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The next run takes the input of the former one first."""
    leave(path, b"a\n", b"b\n")
    spool = loaded(path)
    spool.append(Piece(b"c\n", 50.0))

    assert "continuing with 4 bytes" in caplog.text
    assert [spool.take(1), spool.take(1), spool.take(1)] == [
        Piece(b"a\n", 1.0),
        Piece(b"b\n", 2.0),
        Piece(b"c\n", 50.0),
    ]
    spool.release(spool.taken)
    assert segment_files(path) == []
    spool.close()


def test_released_is_not_taken_again(path: Path) -> None:
    """The next run gets input that was taken and not released, and none that was released."""
    leave(path, b"a", b"b", b"c", b"d")
    spool = loaded(path)
    spool.take(1)
    spool.take(1)
    upto = spool.taken
    spool.take(1)
    spool.release(upto)
    spool.close()
    spool = loaded(path)

    assert take_all(spool) == b"cd"
    spool.release(spool.taken)
    spool.close()
    assert segment_files(path) == []


def test_end_within_a_line(path: Path) -> None:
    """`True` if its end is within a line."""
    spool = Spool(path, MOST)
    assert not spool.load()
    assert spool.load(within_line=True)
    spool.append(Piece(b"a\nb", 1.0))
    spool.close()
    assert Spool(path, MOST).load()
    leave(path, b"\n")
    assert not Spool(path, MOST).load(within_line=True)


def test_another_boot(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrivals of another boot move: the last one is now, the others so long before it."""
    with monkeypatch.context() as patched:
        patched.setattr("laurel_mp.pipeline.intake.spool.spool.boot_id", lambda: b"B" * 16)
        leave(path, b"a", b"b", b"c", arrival=1e9)
    before = time.monotonic()
    spool = loaded(path)
    spool.append(Piece(b"d", time.monotonic()))
    pieces = [spool.take(1) for _ in range(4)]
    arrivals = [piece.arrival for piece in pieces if piece is not None]

    assert arrivals[1] - arrivals[0] == pytest.approx(1)
    assert arrivals[2] - arrivals[1] == pytest.approx(1)
    assert before <= arrivals[2] <= arrivals[3] <= time.monotonic()
    spool.close()


def test_no_arrival_in_the_future(path: Path) -> None:
    """A clock that has gone back all the same gives no arrival later than now, or out of order."""
    leave(path, b"a", b"b", arrival=1e9)
    spool = loaded(path)
    pieces = [spool.take(1), spool.take(1)]

    assert [piece.data for piece in pieces if piece] == [b"a", b"b"]
    assert all(piece.arrival <= time.monotonic() for piece in pieces if piece)
    spool.close()


@pytest.mark.parametrize("size", [1, 10, 15, 16, 17, 20])
def test_torn_tail(path: Path, size: int, caplog: pytest.LogCaptureFixture) -> None:
    """A record that a crash has cut is left out, and that is said; the others are there."""
    leave(path, b"first\n", b"second\n")
    [file] = segment_files(path)
    os.truncate(file, file.stat().st_size - size)
    spool = loaded(path)

    assert take_all(spool) == b"first\n"
    assert "incomplete record" in caplog.text
    spool.release(spool.taken)
    assert segment_files(path) == []
    spool.close()


def test_damaged_tail(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A last record of the right length and with other bytes is found out by its checksum."""
    leave(path, b"first\n", b"second\n")
    overwrite(segment_files(path)[0], -3, b"X")
    spool = loaded(path)

    assert take_all(spool) == b"first\n"
    assert "; 7 bytes of input skipped" in caplog.text
    assert "damaged record at" in caplog.text
    assert spool.statistics() == SpoolStatistics(0, 0, 0)
    assert [file.name for file in path.iterdir()] == ["segment-0000000001.corrupt"]
    spool.close()


def test_damage_in_the_middle(path: Path) -> None:
    """Behind damage, reading continues with the next segment; a cut line ends there."""
    for text in (b"a1\na2", b"b1\nb2", b"c1\n"):
        leave(path, text)
    overwrite(segment_files(path)[1], -1, b"X")
    spool = loaded(path)

    assert take_all(spool) == b"a1\na2\nc1\n"
    spool.release(spool.taken)
    spool.close()
    assert [file.name for file in path.iterdir()] == ["segment-0000000002.corrupt"]


def test_damage_behind_an_unfinished_line(path: Path) -> None:
    """A line that began before the spool ends, too, when the spool cannot go on with it."""
    leave(path, b"rest\n")
    overwrite(segment_files(path)[0], -1, b"X")
    spool = loaded(path, within_line=True)

    before = time.monotonic()
    piece = spool.take(1000)
    assert piece is not None
    assert piece.data == b"\n"
    assert before <= piece.arrival <= time.monotonic()
    spool.close()


def make_foreign(file: Path, kind: str) -> None:
    """Replace a segment by something else, or by a file of another user."""
    if kind == "empty header":
        file.write_bytes(b"LMP")
    elif kind == "text":
        file.write_text("x" * 100)
    elif kind == "version":
        overwrite(file, 8, b"\xff")
    elif kind == "mark":
        overwrite(file, segments.MARK_AT, b"\xff" * 8)
    elif kind == "writable":
        file.chmod(0o666)
    else:
        file.unlink()
        if kind == "link":
            file.symlink_to("/etc/passwd")
        elif kind == "directory":
            file.mkdir()
        else:
            os.mkfifo(file)


@pytest.mark.parametrize(
    "kind",
    ["empty header", "text", "version", "mark", "writable", "link", "directory", "fifo"],
)
def test_no_segment(path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Other files are set aside and logged; the segments are read."""
    leave(path, b"a\n")
    leave(path, b"b\n")
    make_foreign(segment_files(path)[0], kind)
    spool = loaded(path)

    assert take_all(spool) == b"b\n"
    assert "set aside as 'segment-0000000001.corrupt'" in caplog.text
    spool.close()
    caplog.clear()
    spool = loaded(path)
    assert "set aside" not in caplog.text
    spool.close()


def test_foreign_name(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file with another name is set aside; nothing of a hostile name gets into the log raw."""
    leave(path, b"a\n")
    (path / "evil\nname").touch()
    spool = loaded(path)

    assert take_all(spool) == b"a\n"
    assert r"evil\nname.corrupt" in caplog.text
    assert (path / "evil\nname.corrupt").exists()
    spool.close()


def test_empty_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A segment that was made and not written to is nothing to worry about."""
    path.mkdir(0o700)
    (path / "segment-0000000001").touch(0o600)
    spool = loaded(path)

    assert take_all(spool) == b""
    assert not caplog.records
    assert not segment_files(path)
    spool.close()


def test_directory_goes_away(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When the directory is removed, its input is missing, and a new one is made."""
    spool = Spool(path, 4000)  # so that each piece begins a segment
    spool.append(Piece(b"a" * 1100 + b"\n", 1.0))
    spool.append(Piece(b"b\n", 1.0))
    for file in path.iterdir():
        file.unlink()
    path.rmdir()

    assert spool.take(10) is None
    assert "No such file" in caplog.text
    assert spool.statistics() == SpoolStatistics(0, 0, 0)
    spool.append(Piece(b"c\n", 3.0))
    assert spool.take(10) == Piece(b"c\n", 3.0)
    assert len(segment_files(path)) == 1
    spool.close()


KILLED = """
import sys, time
from pathlib import Path
from laurel_mp.pipeline.intake.pieces import Piece
from laurel_mp.pipeline.intake.spool.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 30, segment_bytes=100_000)
spool.load()
number = 0
while True:
    spool.append(Piece(b"%d\\n" % number * 1000, time.monotonic()))
    number += 1
    print(number, flush=True)
"""


def test_killed_while_it_spools(path: Path) -> None:
    """The spool of a killed process is complete for the next one."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "150\n":
                break
        process.kill()
        said = [line for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    least = int(said[-1]) if said else 150
    spool = loaded(path)
    numbers = [int(number) for number in take_all(spool).split()]

    assert numbers[::1000][:least] == list(range(least))
    assert numbers == [number for number in range(len(numbers) // 1000) for _ in range(1000)]
    assert len(numbers) // 1000 in {least, least + 1}
    spool.close()


TAKER = """
import sys
from pathlib import Path
from laurel_mp.pipeline.intake.spool.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 30)
spool.load()
while True:
    sys.stdout.write(spool.take(1).data.decode())
    sys.stdout.flush()
    if sys.argv[2] == "release":
        spool.release(spool.taken)
"""


@pytest.mark.parametrize("how", ["release", "keep"])
def test_killed_while_it_takes(path: Path, how: str) -> None:
    """A process that is killed leaves what it has not released, and at most one piece more."""
    leave(path, *[b"%d\n" % number for number in range(2000)])
    with subprocess.Popen(
        [sys.executable, "-c", TAKER, str(path), how], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "500\n":
                break
        process.kill()
        last = [500, *(int(line) for line in process.stdout if line.endswith("\n"))][-1]
    spool = loaded(path)
    numbers = [int(number) for number in take_all(spool).split()]

    expected = {last, last + 1, last + 2} if how == "release" else {0}
    assert numbers[0] in expected
    assert numbers == list(range(numbers[0], 2000))
    spool.close()


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=300), st.floats(0, 0.2)), max_size=30),
    st.integers(200, 5000),
    st.lists(st.sampled_from(["take", "release", "restart"]), max_size=30),
)
def test_any_order_of_things(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[tuple[bytes, float]],
    segment_bytes: int,
    actions: list[str],
) -> None:
    """However takes, releases and restarts mix, nothing is missing, doubled or out of order."""
    path = tmp_path_factory.mktemp("any") / "spool"
    spool = Spool(path, MOST, segment_bytes)
    expected, taken, released, latest, arrival = b"", b"", 0, 0.0, 0.0
    script = [*actions, "release", "restart"]
    for data, later in [*pieces, *[(b"", 0.0)] * len(script)]:
        if data:
            arrival += later
            spool.append(Piece(data, arrival))
            expected += data
        action = script.pop(0) if script else "take"
        if action == "take" and (piece := spool.take(400)) is not None:
            taken += piece.data
            assert piece.arrival >= latest
            latest = piece.arrival
        elif action == "release":
            spool.release(spool.taken)
            released = len(taken)
        elif action == "restart":
            spool.close()
            spool = Spool(path, MOST, segment_bytes)
            spool.load()
            taken, latest = taken[:released], 0.0
    assert taken + take_all(spool) == expected
    spool.close()


@given(st.data())
def test_any_damage(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever bytes change or lack, loading and taking raise nothing and come to an end."""
    path = tmp_path_factory.mktemp("damage") / "spool"
    leave(path, b"aa\n", b"bb\n", b"cc\n")
    leave(path, b"dd\n")
    file = data.draw(st.sampled_from(segment_files(path)))
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    logging.disable()
    try:
        spool = loaded(path)
        lines = take_all(spool).splitlines()
        spool.release(spool.taken)
        spool.close()
    finally:
        logging.disable(logging.NOTSET)

    assert lines == sorted(lines)
    assert set(lines) <= {b"aa", b"bb", b"cc", b"dd"}
    assert not segment_files(path)

"""The backlog: bounded, in order, from memory to the spool and back."""

import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurel_mp.pipeline.intake.backlog import PIECE_COST, Backlog, BacklogStatistics
from laurel_mp.pipeline.intake.pieces import Piece, shifted
from laurel_mp.pipeline.intake.spool.spool import Spool
from tests.support.waiting import wait_until

LIMIT = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Path of the spool, which does not exist yet."""
    return tmp_path / "spool"


@pytest.fixture
def small_disk(tmp_path: Path, requires_root: None) -> Iterator[Path]:
    """A file system of 256 KiB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "none", path], check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def opened(path: Path | None = None, limit: int = LIMIT, most: int = 64 << 20) -> Backlog:
    """A backlog with a spool there, or none."""
    backlog = Backlog(limit)
    backlog.open(Spool(path, most) if path else None)
    return backlog


def take_all(backlog: Backlog) -> bytes:
    """Take what there is until it has ended."""
    taken = []
    while not backlog.ended:
        assert select.select([backlog], [], [], 10)[0], "it wakes the waiting process"
        if (piece := backlog.take(1 << 16)) is not None:
            taken.append(piece.data)
            backlog.release()
    return b"".join(taken)


def spooled(backlog: Backlog, size: int) -> None:
    """Wait until so much is in the spool."""
    wait_until(lambda: backlog.statistics().spool_bytes >= size, f"{size} bytes are in the spool")


def text(size: int, name: bytes = b"x") -> bytes:
    """About so many bytes of lines, each with its number."""
    line = b"%s %07d\n"
    return b"".join(line % (name, number) for number in range(size // len(line % (name, 0))))


def in_background(work: Callable[[], None]) -> threading.Thread:
    """A thread that does it, and that does not outlive a test that fails."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def put_and_end(backlog: Backlog, data: bytes) -> threading.Thread:
    """Put data in, and the end, in the background."""

    def work() -> None:
        put(backlog, data)
        backlog.end()

    return in_background(work)


def put(backlog: Backlog, data: bytes, arrival: float = 1.0) -> None:
    """Put data in as reads of 64 KiB."""
    for begin in range(0, len(data), 1 << 16):
        backlog.put(data[begin : begin + (1 << 16)], arrival)


def test_memory_only() -> None:
    """A small amount stays in memory, and is joined as the spool joins."""
    backlog = opened()
    for arrival in (1.0, 1.05, 1.2, 1.2, 1.2):
        backlog.put(b"x" * 10, arrival)

    assert backlog.statistics() == BacklogStatistics(50, 5, 0, 0, 0, 0.0, 50)
    assert backlog.size == 50
    assert backlog.take(1000) == Piece(b"x" * 20, 1.0)
    assert backlog.take(15) == Piece(b"x" * 20, 1.2)
    assert backlog.take(15) == Piece(b"x" * 10, 1.2)
    assert backlog.take(15) is None
    assert backlog.taken == 50
    backlog.close()


def test_nothing_before_it_is_opened() -> None:
    """Input that is read before `open` follows that of the former run."""
    backlog = Backlog(LIMIT)
    backlog.put(b"new", 2.0)
    assert backlog.take(10) is None
    assert backlog.size == 0
    assert not select.select([backlog], [], [], 0)[0]
    backlog.end()
    assert not backlog.ended
    backlog.open(former=[Piece(b"old\n", 1.0)])

    assert take_all(backlog) == b"old\nnew"
    backlog.close()


def test_to_the_spool_and_back(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """More than a quarter of the limit goes to the spool; everything comes out in order."""
    caplog.set_level(logging.INFO)
    data = text(20 * LIMIT)
    backlog = opened(path)
    put(backlog, data)
    backlog.end()
    spooled(backlog, 19 * LIMIT)

    assert backlog.statistics().memory_bytes <= LIMIT
    assert take_all(backlog) == data
    wait_until(lambda: "empty after" in caplog.text, "the end is said")
    assert caplog.text.count(f"writing input to the spool {path}") == 1
    assert list(path.iterdir()) == []
    statistics = backlog.statistics()
    assert statistics[:4] == (0, 0, 0, 0)
    assert statistics.spooled_bytes >= 19 * LIMIT
    backlog.close()


def test_little_stays_in_memory(path: Path) -> None:
    """Up to the mark, no directory is made."""
    backlog = opened(path)
    backlog.put(b"x" * (LIMIT // 4 - PIECE_COST), 1.0)
    backlog.end()

    assert take_all(backlog) == b"x" * (LIMIT // 4 - PIECE_COST)
    assert not path.exists()
    backlog.close()


def test_while_it_is_taken(path: Path) -> None:
    """Order holds while one thread puts, one spools and one takes."""
    data = text(16 * LIMIT)
    backlog = opened(path, limit=LIMIT // 4)
    put_and_end(backlog, data)

    assert take_all(backlog) == data
    backlog.close()


def test_bounded_without_a_spool(caplog: pytest.LogCaptureFixture) -> None:
    """Without a spool, `put` waits while memory is full; the time is counted and logged."""
    backlog = opened(limit=1000)
    thread = in_background(lambda: put(backlog, b"x" * 1000))
    wait_until(lambda: "reading stopped: backlog full, 1000 bytes" in caplog.text, "it stops")
    assert backlog.statistics().stopped_seconds > 0
    backlog.take(1)
    thread.join()

    assert "reading resumed after" in caplog.text
    assert backlog.statistics().stopped_seconds >= 0.1
    backlog.close()


def test_stops_are_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A reader that stops again and again does not fill the log."""
    backlog = opened(limit=1000)
    for number in range(3):
        thread = in_background(lambda: put(backlog, b"x" * 1000))
        wait_until(lambda n=number: backlog.statistics().stopped_seconds > 0.3 * (n + 1), "stops")  # type: ignore[misc]
        backlog.take(1)
        thread.join()

    assert caplog.text.count("reading stopped") == 1
    assert caplog.text.count("reading resumed") == 1
    backlog.close()


def test_tiny_pieces_are_bounded() -> None:
    """Pieces cost memory, too: a limit of bytes alone would let many tiny ones in."""
    backlog = opened(limit=100 * PIECE_COST)

    def put_tiny() -> None:
        for number in range(200):
            backlog.put(b"x", float(number))

    thread = in_background(put_tiny)
    wait_until(lambda: backlog.statistics().stopped_seconds > 0, "it stops")

    assert backlog.statistics().memory_pieces == 100
    backlog.unblock()
    thread.join()
    assert backlog.statistics().memory_pieces == 200
    backlog.close()


def test_tiny_pieces_are_spooled(path: Path) -> None:
    """Many tiny pieces go to the spool for what they cost, before reading stops."""
    backlog = opened(path, limit=100 * PIECE_COST)

    def put_tiny() -> None:
        for number in range(2000):
            backlog.put(b"x", number / 100)
        backlog.end()

    thread = in_background(put_tiny)
    thread.join()
    assert take_all(backlog) == b"x" * 2000
    backlog.close()


def test_full_spool(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When the spool is full, memory fills and reading stops; nothing is lost or out of order."""
    data = text(8 * LIMIT)
    backlog = opened(path, most=2 * LIMIT)
    thread = put_and_end(backlog, data)
    wait_until(lambda: "reading stopped" in caplog.text, "reading stops")

    assert "spool-bytes is reached" in caplog.text
    assert sum(file.stat().st_size for file in path.iterdir()) <= 2 * LIMIT
    assert backlog.statistics().memory_bytes >= LIMIT - (1 << 16)
    assert take_all(backlog) == data
    thread.join()
    backlog.close()


def test_full_disk(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same when the disk is full: said once, tried again, nothing lost or torn."""
    data = text(4 * LIMIT)
    (small_disk / "hog").write_bytes(b"x" * (100 << 10))
    backlog = opened(small_disk / "spool", limit=LIMIT // 4)
    thread = put_and_end(backlog, data)
    wait_until(lambda: "reading stopped" in caplog.text, "reading stops")
    assert "cannot be written: No space left on device" in caplog.text
    before = backlog.statistics().spool_bytes
    (small_disk / "hog").unlink()
    spooled(backlog, before + 1)

    assert caplog.text.count("cannot be written") == 1
    assert take_all(backlog) == data
    thread.join()
    backlog.close()
    left = opened(small_disk / "spool")
    assert left.size == 0  # at most a segment that nothing came to
    left.close()


def test_directory_goes_away(path: Path) -> None:
    """When the spool is removed, its input is missing; later input is not."""
    backlog = opened(path)
    put(backlog, text(4 * LIMIT, b"lost"))
    spooled(backlog, 3 * LIMIT)
    wait_until(lambda: backlog.statistics().memory_bytes <= LIMIT // 4, "all is spooled")
    shutil.rmtree(path)
    thread = put_and_end(backlog, text(4 * LIMIT, b"new"))
    taken = take_all(backlog)
    thread.join()

    assert taken.endswith(text(4 * LIMIT, b"new"))
    assert list(path.iterdir()) == []
    backlog.close()


def test_unusable_spool(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A spool that cannot be used is as good as none: said once, nothing lost."""
    path.symlink_to(path.parent)
    data = text(2 * LIMIT)
    backlog = opened(path)
    thread = put_and_end(backlog, data)
    wait_until(lambda: "reading stopped" in caplog.text, "reading stops")

    assert take_all(backlog) == data
    thread.join()
    assert caplog.text.count("cannot be written") == 1
    backlog.close()


def test_keep_and_go_on(path: Path) -> None:
    """Input that was not taken goes to the spool, in order; the next run takes it first."""
    data = text(2 * LIMIT)
    backlog = opened(path)
    put(backlog, data)
    spooled(backlog, LIMIT)
    first = backlog.take(1 << 16)
    assert first is not None
    assert backlog.spool_rest() == []
    backlog.release()
    backlog.close()

    backlog = Backlog(LIMIT)
    backlog.put(b"new\n", time.monotonic())
    backlog.end()
    backlog.open(Spool(path, 64 << 20))
    assert first.data + take_all(backlog) == data + b"new\n"
    backlog.close()


def test_not_released_is_kept(path: Path) -> None:
    """Input that was taken and not released is there again: the state file may lack it."""
    data = text(2 * LIMIT)
    backlog = opened(path)
    put(backlog, data)
    spooled(backlog, LIMIT)
    for _ in range(5):
        backlog.take(1 << 16)
    backlog.spool_rest()
    backlog.close()

    backlog = opened(path)
    backlog.end()
    assert take_all(backlog) == data
    backlog.close()


def test_release_up_to(path: Path) -> None:
    """Only what was taken up to the point is released, were it from memory or from the spool."""
    data = text(2 * LIMIT)
    backlog = opened(path)
    put(backlog, data)
    spooled(backlog, LIMIT)
    backlog.take(1 << 16)
    upto = backlog.taken
    backlog.take(1 << 16)
    backlog.release(upto)
    backlog.spool_rest()
    backlog.close()

    backlog = opened(path)
    backlog.end()
    assert take_all(backlog) == data[upto:]
    backlog.close()


def test_keep_without_a_spool() -> None:
    """Without a spool everything is handed back, and the next run can be given it."""
    backlog = opened()
    backlog.put(b"a\n", 1.0)
    backlog.put(b"b", 2.0)
    rest = backlog.spool_rest()
    backlog.close()
    assert rest == [Piece(b"a\n", 1.0), Piece(b"b", 2.0)]

    backlog = Backlog(LIMIT)
    backlog.put(b"new\n", 3.0)
    backlog.end()
    backlog.open(former=rest)
    assert take_all(backlog) == b"a\nb\nnew\n"
    backlog.close()


def test_keep_on_a_full_disk(small_disk: Path) -> None:
    """Input without room on the disk is returned; it follows that which has room."""
    data = text(LIMIT)
    backlog = opened(small_disk / "spool", limit=16 * LIMIT)
    put(backlog, data)
    rest = backlog.spool_rest()
    backlog.close()
    assert rest

    backlog = Backlog(LIMIT)
    backlog.end()
    backlog.open(Spool(small_disk / "spool", 64 << 20), former=rest)
    assert take_all(backlog) == data
    backlog.close()


@pytest.mark.parametrize(
    ("spool", "former", "unfinished", "expected"),
    [
        (b"", b"", False, b"new"),
        (b"", b"", True, b"\nnew"),
        (b"s\n", b"", True, b"s\nnew"),
        (b"s", b"", False, b"s\nnew"),
        (b"", b"f", False, b"f\nnew"),
        (b"s", b"f\n", True, b"sf\nnew"),
        (b"s\n", b"f", False, b"s\nf\nnew"),
    ],
)
def test_old_input_ends_a_line(
    path: Path, spool: bytes, former: bytes, unfinished: bool, expected: bytes
) -> None:
    """Old input is one stream; a line that it left unfinished does not swallow a new one."""
    if spool:
        left = Spool(path, LIMIT)
        left.append(Piece(spool, 1.0))
        left.close()
    backlog = Backlog(LIMIT)
    backlog.put(b"new", time.monotonic())
    backlog.end()
    backlog.open(Spool(path, LIMIT), [Piece(former, 1.0)] if former else [], unfinished=unfinished)

    assert take_all(backlog) == expected
    backlog.close()


def test_shifted() -> None:
    """Pieces of another boot: the last one is now, distances stay."""
    assert shifted([Piece(b"a", 1e6), Piece(b"b", 1e6 + 2)], 10.0) == [
        Piece(b"a", 8.0),
        Piece(b"b", 10.0),
    ]
    assert shifted([], 10.0) == []


def test_end_wakes() -> None:
    """Waiting ends with the input, or with the error that ended it."""
    backlog = opened()
    assert not select.select([backlog], [], [], 0)[0]
    backlog.end(OSError(5, "Input/output error"))

    assert select.select([backlog], [], [], 10)[0]
    assert backlog.ended
    assert backlog.error is not None
    assert backlog.take(1) is None
    assert select.select([backlog], [], [], 0)[0]
    backlog.close()


KILLED = """
import os, sys, time
from pathlib import Path
from laurel_mp.pipeline.intake.backlog import PIECE_COST, Backlog
from laurel_mp.pipeline.intake.inputs import DescriptorInput
from laurel_mp.pipeline.intake.reader import Reader
from laurel_mp.pipeline.intake.spool.spool import Spool
backlog = Backlog(1 << 16)
backlog.open(Spool(Path(sys.argv[1]), 1 << 30))
Reader(DescriptorInput(0, "a pipe"), backlog).start()
while True:
    print(backlog.statistics().spooled_bytes, flush=True)
    time.sleep(0.001)
"""


def test_killed_while_it_spools(path: Path) -> None:
    """A run that is killed leaves what it has spooled, from the beginning on."""
    data = text(8 * LIMIT)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        writer = threading.Thread(target=write_or_break, args=(process.stdin.fileno(), data))
        writer.start()
        least = 0
        while least < 2 * LIMIT:
            least = int(process.stdout.readline())
        process.kill()
        writer.join()
    assert process.returncode == -signal.SIGKILL

    backlog = Backlog(LIMIT)
    backlog.put(b"new\n", time.monotonic())
    backlog.end()
    backlog.open(Spool(path, 1 << 30))
    taken = take_all(backlog).removesuffix(b"new\n")
    assert len(taken) >= least
    assert taken.endswith(b"\n"), "a line that was cut is ended"
    assert data.startswith(taken.removesuffix(b"\n"))
    backlog.close()


def write_or_break(fd: int, data: bytes) -> None:
    """Write until the reader is gone."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except BrokenPipeError:
        return


@settings(max_examples=25)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60), st.integers(1, 4000), st.booleans())
def test_any_sizes(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], most: int, restart: bool
) -> None:
    """Whatever the sizes of reads and takes, each byte comes once and in order."""
    path = tmp_path_factory.mktemp("any") / "spool"
    logging.disable()
    backlog = opened(path, limit=8000)
    expected, taken = b"", b""
    for number, size in enumerate(sizes):
        data = b"%c" % (number % 256) * size
        expected += data
        backlog.put(data, number / 30)
        if number % 3 == 0 and (piece := backlog.take(most)) is not None:
            taken += piece.data
            backlog.release()
    if restart:
        assert backlog.spool_rest() == []
        backlog.close()
        backlog = opened(path)
    backlog.end()
    taken += take_all(backlog)
    backlog.close()
    logging.disable(logging.NOTSET)

    assert taken.rstrip(b"\n") == expected.rstrip(b"\n")

"""Outputs that fail for a while: nothing is lost, and memory stays bounded."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.chaos import outcome
from tests.chaos.feed import Feed, check, feeding, same
from tests.chaos.offline import Expected
from tests.chaos.settings import Settings
from tests.support.waiting import wait_until

READER = [sys.executable, "-S", str(Path(__file__).with_name("reader.py"))]

WINDOW = 1 << 20
"""Bytes that may be on their way: less than the streams have, so that the spool is used."""

SMALL = f"window-bytes = {WINDOW}\nmax-line-bytes = {256 << 10}\nspool-bytes = {4 << 30}"

RATE = 4e6
"""Bytes a second that the plugin gets."""

MAX_MEMORY = 400 << 20
"""Bytes that all processes hold together at most."""

OVERLAP = 2 << 20
"""Bytes that may come again after a reconnect."""


@contextlib.contextmanager
def tmpfs(directory: Path, size: int) -> Iterator[None]:
    """A small file system in memory; its directory must be empty. Needs root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def full_disk(expected: Expected, directory: Path, workers: int) -> int:
    """A disk that fills up, and from which rotated files are taken away each time.

    Gives back how often it was full.
    """
    disk = directory / "disk"
    disk.mkdir()
    settings = Settings(directory, workers, "disk/audit.log", size=300_000, pipeline=SMALL)
    collected: list[bytes] = []
    last = (0.0, -1)

    def make_room() -> None:
        """If it is full and nothing happens any more, takes away all but the youngest file.

        The first time it stays full for longer: only then that is worth a message.
        """
        nonlocal last
        size = outcome.size(disk / "audit.log")
        if size != last[1]:
            last = time.monotonic(), size
        status = os.statvfs(disk)
        if status.f_bavail > 2 or time.monotonic() < last[0] + (0.3 if collected else 2.0):
            return
        away = directory / "away"
        _, *rotated = outcome.generations(disk / "audit.log")
        rotated.reverse()
        # Nothing is freed, so no file is rotated, until all of them have other names.
        moved = [each.rename(disk / f"moved-{number}") for number, each in enumerate(rotated)]
        shutil.rmtree(away, ignore_errors=True)
        collected.append(b"".join([each.read_bytes() for each in moved]))
        for each in moved:
            each.unlink()
        last = time.monotonic(), -1

    with tmpfs(disk, 1 << 20), feeding(settings, expected.stream, RATE) as (feed, ours):
        feed.also.append(make_room)
        feed.finish(ours)
        same(
            "disk/audit.log",
            expected.events,
            b"".join(collected) + outcome.written(disk / "audit.log"),
        )
        check(expected, directory, without=["audit.log"])
        _bounded(feed)
        assert len(collected) > 3, "the disk was not full"
        assert "No space left on device" in feed.plugin.log(), "it did not say so"
    return len(collected)


def dying_program(expected: Expected, directory: Path, workers: int, seconds: float) -> int:
    """A program that ends after some `seconds`, or a share of all, in the middle of what it gets.

    Gives back how many there were.
    """
    pieces = directory / "pieces"
    pieces.mkdir()
    program = "| " + shlex.join([*READER, str(pieces), str(seconds), _share(expected)])
    settings = Settings(directory, workers, program, pipeline=SMALL)
    with feeding(settings, expected.stream, RATE) as (feed, ours):
        feed.finish(ours)
        found = _pieces(pieces)
        same("what the programs read", expected.events, b"".join(map(_whole_lines, found)))
        check(expected, directory, without=["audit.log"])
        _bounded(feed)
        assert len(found) > 2, "no program has died"
    return len(found)


def restarting_server(expected: Expected, directory: Path, workers: int, seconds: float) -> int:
    """A server that hangs up after some `seconds`, or a share of all, is away, and comes back.

    Lines may come again after a reconnect, but none is missing, and all are in order. Gives back
    how often it was connected to.
    """
    pieces = directory / "pieces"
    pieces.mkdir()
    socket_path = Path(f"/tmp/chaos-{os.getpid()}.socket")
    times = [str(seconds), _share(expected), str(socket_path), str(seconds / 2)]
    server = subprocess.Popen([*READER, str(pieces), *times])
    try:
        settings = Settings(directory, workers, f"unix:{socket_path}", pipeline=SMALL)
        with feeding(settings, expected.stream, RATE) as (feed, ours):
            feed.finish(ours)
            feed_log = feed.plugin.log()
            # The plugin knows that all was read, not what became of it.
            wait_until(lambda: _ends_with(pieces, expected.events), "the server has the last line")
            found = _pieces(pieces)
            _in_order("the server", expected.events, found)
            check(expected, directory, without=["audit.log"])
            _bounded(feed)
            assert len(found) > 2, f"no connection has ended: {feed_log}"
    finally:
        server.kill()
        server.wait()
        socket_path.unlink(missing_ok=True)
    return len(found)


def pausing_fifo(expected: Expected, directory: Path, workers: int, seconds: float) -> None:
    """A FIFO whose reader reads nothing for some `seconds` in the middle."""
    fifo = directory / "audit.fifo"
    os.mkfifo(fifo, 0o600)
    settings = Settings(directory, workers, "audit.fifo", pipeline=SMALL)
    fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    found: list[bytes] = []
    try:
        with feeding(settings, expected.stream, RATE) as (feed, ours):
            feed.also.append(lambda: found.extend(_read(fd)))
            feed.until(lambda: feed.sender.sent > len(expected.stream) // 10, "the first tenth")
            feed.also.clear()
            until = time.monotonic() + seconds
            feed.until(lambda: time.monotonic() > until, "pause", 2 * seconds + 60)
            feed.also.append(lambda: found.extend(_read(fd)))
            feed.finish(ours)
            found.extend(_read(fd))
            same("audit.fifo", expected.events, b"".join(found))
            check(expected, directory, without=["audit.log"])
            _bounded(feed)
    finally:
        os.close(fd)


def _read(fd: int) -> Iterator[bytes]:
    """All that is there now."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(fd, 1 << 16):
            yield data


def _pieces(directory: Path) -> list[bytes]:
    """The bytes that each reader has read, in the order of readers."""
    return [each.read_bytes() for each in sorted(directory.iterdir())]


def _share(expected: Expected) -> str:
    """Bytes: so much that there are three readers at least, however late they begin."""
    return str(len(expected.events) // 3)


def _ends_with(directory: Path, events: bytes) -> bool:
    """True if the last piece ends with the last line of all."""
    found = _pieces(directory)
    return bool(found) and found[-1].endswith(events[events.rindex(b"\n", 0, -1) + 1 :])


def _whole_lines(piece: bytes) -> bytes:
    """Without the last line if it was cut: the next reader gets that whole."""
    return piece[: piece.rfind(b"\n") + 1]


def _in_order(name: str, expected: bytes, pieces: list[bytes]) -> None:
    """Fails unless each piece begins at most `OVERLAP` before the end of those before it."""
    end = 0
    for number, piece in enumerate(map(_whole_lines, pieces)):
        if not piece:
            continue
        start = expected.find(piece[: piece.index(b"\n") + 1], max(end - OVERLAP, 0))
        assert 0 <= start <= end, f"{name}: piece {number} begins at {start}, not before {end}"
        same(f"{name}, piece {number}", expected[start : start + len(piece)], piece)
        end = max(end, start + len(piece))
    assert end == len(expected), f"{name}: {len(expected) - end} bytes are missing at the end"


def _bounded(feed: Feed) -> None:
    assert feed.memory < MAX_MEMORY, f"{feed.memory >> 20} MiB of memory"

"""The reading thread: everything, in order, with the time when it came."""

import os
import select
import time
from collections.abc import Iterator

import pytest

from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.inputs import DescriptorInput
from laurel_mp.pipeline.intake.reader import Reader
from tests.support.waiting import wait_until


class Reading:
    """A reader of a pipe, and its backlog."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.read_fd, self.write_fd = os.pipe()
        self.backlog = Backlog(limit)
        self.reader = Reader(DescriptorInput(self.read_fd, "a pipe"), self.backlog)
        self.backlog.open()
        self.reader.start()

    def write(self, data: bytes) -> None:
        """Write all of it."""
        while data:
            data = data[os.write(self.write_fd, data) :]

    def end(self) -> None:
        """Close the end for writing."""
        os.close(self.write_fd)
        self.write_fd = -1

    def take_all(self, most: int = 1000) -> bytes:
        """Take what comes until the input has ended."""
        taken = b""
        while not self.backlog.ended:
            assert select.select([self.backlog], [], [], 10)[0], "it wakes the waiting process"
            if (piece := self.backlog.take(most)) is not None:
                taken += piece.data
        return taken

    def close(self) -> None:
        """End it."""
        self.reader.close()
        self.backlog.close()
        os.close(self.read_fd)
        if self.write_fd >= 0:
            self.end()


@pytest.fixture
def reading() -> Iterator[Reading]:
    """A reader with room for much."""
    found = Reading()
    yield found
    found.close()


def test_everything_in_order(reading: Reading) -> None:
    """All that is written is taken, in order."""
    expected = b""
    for number in range(200):
        data = b"%d\n" % number
        reading.write(data)
        expected += data
    reading.end()

    assert expected == reading.take_all()
    assert reading.backlog.size == 0
    assert reading.backlog.error is None


def test_arrival(reading: Reading) -> None:
    """Each read has the time at which it was done, not that at which it is taken."""
    before = time.monotonic()
    reading.write(b"a\n")
    wait_until(lambda: reading.backlog.size == 2, "it is read")
    after = time.monotonic()
    wait_until(lambda: time.monotonic() > after + 0.2, "time passes")
    reading.write(b"b\n")
    wait_until(lambda: reading.backlog.size == 4, "it is read")
    first, second = reading.backlog.take(1000), reading.backlog.take(1000)

    assert first is not None
    assert second is not None
    assert (first.data, second.data) == (b"a\n", b"b\n")
    assert before <= first.arrival <= after < second.arrival


def test_bounded() -> None:
    """It reads no more than its limit and one read; what waits is in the pipe."""
    reading = Reading(8192)
    os.set_blocking(reading.write_fd, False)

    def is_full() -> bool:
        try:
            os.write(reading.write_fd, b"x" * 4096)
        except BlockingIOError:
            return reading.backlog.size >= 4096
        return False

    wait_until(is_full, "the pipe is full")
    assert reading.backlog.size <= 8192 + (1 << 16)
    reading.close()


def test_nothing(reading: Reading) -> None:
    """Without input nothing is taken, and no thread wakes up."""
    assert reading.backlog.take(100) is None
    assert not select.select([reading.backlog], [], [], 0)[0]
    assert not reading.backlog.ended
    reading.end()
    assert reading.take_all() == b""


def test_error() -> None:
    """A descriptor that cannot be read ends the input, with the reason."""
    directory = os.open("/", os.O_RDONLY)
    backlog = Backlog(1000)
    backlog.open()
    reader = Reader(DescriptorInput(directory, "a directory"), backlog)
    reader.start()

    assert select.select([backlog], [], [], 10)[0]
    assert backlog.ended
    assert isinstance(backlog.error, IsADirectoryError)
    reader.close()
    backlog.close()
    os.close(directory)


def test_stop_is_not_the_end(reading: Reading) -> None:
    """An input with an end of its own is read on after it was told to stop."""
    reading.reader.stop()
    reading.write(b"the last records")
    reading.end()

    assert reading.take_all() == b"the last records"


def test_close_ends_a_read(reading: Reading) -> None:
    """Closing ends the thread although nothing comes; what was read is there."""
    reading.write(b"something")
    wait_until(lambda: reading.backlog.size == 9, "it is read")
    reading.reader.close()

    assert not reading.reader._thread.is_alive()
    assert reading.take_all() == b"something"


def test_close_ends_a_wait_for_room() -> None:
    """Closing ends the thread although there is no room; what was read is there."""
    reading = Reading(1000)
    reading.write(b"x" * 2000)
    wait_until(lambda: reading.backlog.statistics().stopped_seconds > 0, "it waits for room")
    reading.reader.close()

    assert not reading.reader._thread.is_alive()
    assert b"".join(piece.data for piece in reading.backlog.spool_rest()) == b"x" * 2000
    reading.close()


def test_lent(reading: Reading) -> None:
    """While the input is borrowed, the thread does not read it."""
    reader = reading.reader
    assert reader.borrow()
    reading.write(b"one\n")
    assert select.select([reader.fileno()], [], [], 10)[0]
    piece = reader.collect(1000)
    assert piece is not None
    assert piece.data == b"one\n"
    assert reading.backlog.size == 0
    reader.give_back()
    reading.write(b"two\n")
    wait_until(lambda: reading.backlog.size == 4, "the thread reads again")


def test_thread_takes_over(reading: Reading) -> None:
    """When the main thread has long been busy, the thread reads, also what was there before."""
    reader = reading.reader
    for _ in range(3):
        assert reader.borrow()
        reading.write(b"one\n")
        reader.give_back()
        wait_until(lambda: reading.backlog.size == 4, "the thread has taken over")
        assert not reader.borrow(), "what waits comes first"
        assert reading.backlog.take(1000) is not None
        wait_until(reader.borrow, "it can be borrowed again")
        reader.give_back()


def test_collect_to_the_linger_time(reading: Reading) -> None:
    """A borrowed input is collected from for as long as records may gather."""
    reader = reading.reader
    reader.linger.linger = 0.05
    assert reader.borrow()
    reading.write(b"one\n")
    before = time.monotonic()
    piece = reader.collect(1000)
    assert piece is not None
    assert before <= piece.arrival <= before + 0.04
    assert time.monotonic() - before >= 0.05
    reader.give_back()


def test_collect_much(reading: Reading) -> None:
    """Reads go on while much comes, up to what pays; nothing waits for what does not come."""
    reader = reading.reader
    reader.linger.linger = 0.2
    assert reader.borrow()
    text = b"x" * 130 + b"\n"
    reading.write(text * 300)
    piece = reader.collect(1 << 20)
    assert piece is not None
    assert piece.data == text * 300
    reading.write(text * 90)
    piece = reader.collect(1 << 20)
    assert piece is not None
    assert piece.data == text * 90
    reader.give_back()


def test_end_while_lent(reading: Reading) -> None:
    """The end of the input is the end, also if it was the borrower who found it."""
    reader = reading.reader
    assert reader.borrow()
    reading.end()
    assert reader.collect(1000) is None
    reader.give_back()
    assert reading.take_all() == b""
    assert not reader.borrow()


def test_error_while_lent() -> None:
    """An error that the borrower meets ends the input, with the reason."""
    directory = os.open("/", os.O_RDONLY)
    backlog = Backlog(1000)
    backlog.open()
    reader = Reader(DescriptorInput(directory, "a directory"), backlog)
    assert reader.borrow()
    assert reader.collect(1000) is None
    reader.give_back()
    reader.start()

    assert select.select([backlog], [], [], 10)[0]
    assert isinstance(backlog.error, IsADirectoryError)
    reader.close()
    backlog.close()
    os.close(directory)


def test_stop_while_lent(reading: Reading) -> None:
    """After it was told to stop, the input is not lent any more, and the thread reads it."""
    reader = reading.reader
    assert reader.borrow()
    reader.stop()
    reader.give_back()
    assert not reader.borrow()
    reading.write(b"the last records")
    reading.end()
    assert reading.take_all() == b"the last records"

"""Records gather for longer at a lower rate."""

import os
import socket
import time

import pytest

from laurel_mp.pipeline.intake.linger import (
    BATCH_EVENTS,
    BATCH_RECORDS,
    ENOUGH,
    LARGE_READ,
    LONGEST_NAP,
    SHORTEST_NAP,
    LingerPolicy,
    unread,
)

RECORD = b"x" * 130 + b"\n"


def test_nap_by_rate() -> None:
    """Naps are long while few records come, short while many do; none is behind a large read."""
    policy = LingerPolicy(1.0)
    policy._last_read -= 1.0
    policy.record_read(RECORD)
    assert policy.nap == LONGEST_NAP
    policy.record_read(RECORD * 100)
    assert policy.nap == SHORTEST_NAP
    policy.record_read(b"x" * LARGE_READ)
    assert policy.nap == 0


@pytest.mark.parametrize(
    "data",
    [RECORD * 10 * BATCH_RECORDS, (b"type=SYSCALL msg\n" + RECORD) * 10 * BATCH_EVENTS],
)
def test_time_by_pace(data: bytes) -> None:
    """The time ends when enough have come for a batch, at the pace of late; it is not longer."""
    policy = LingerPolicy(0.5)
    assert policy.time == 0.5
    policy._last_read -= 1.0
    policy.record_read(RECORD)
    assert policy.time == 0.5
    policy._last_read -= 1.0
    policy.record_read(data)
    assert 0.1 <= policy.time < 0.2


def test_no_nap_without_linger() -> None:
    """Without linger, input is read at once."""
    policy = LingerPolicy(0.0)
    policy.record_read(RECORD)
    assert policy.nap == 0
    assert policy.sleep(0, 0.0) == 0


def test_rest_to_the_end() -> None:
    """While little comes, it is time to read when all of the time has passed."""
    read, write = os.pipe()
    os.write(write, RECORD)
    policy = LingerPolicy(3 * LONGEST_NAP)
    before = time.monotonic()
    assert policy.sleep(read, policy.linger) <= 0
    assert time.monotonic() - before >= 3 * LONGEST_NAP
    os.close(read)
    os.close(write)


def test_rest_ends_early() -> None:
    """When much has come during a nap, there is no second one."""
    ours, theirs = socket.socketpair()
    ours.send(b"x" * ENOUGH)
    policy = LingerPolicy(1.0)
    assert policy.sleep(theirs.fileno(), 1.0) == 1.0 - LONGEST_NAP
    ours.close()
    theirs.close()


def test_unread() -> None:
    """Unread bytes of a pipe or socket are counted; of others, none are."""
    read, write = os.pipe()
    assert unread(read) == 0
    os.write(write, b"12345")
    assert unread(read) == 5
    null = os.open(os.devnull, os.O_RDONLY)
    assert unread(null) == 0
    for fd in (read, write, null):
        os.close(fd)

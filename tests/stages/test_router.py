"""The router: which worker gets what, and the clock of the stream."""

import pytest

from laurel_mp.stages import router
from laurel_mp.stages.router import EOE_GAP, LEAP_BYTES, STEP, Router, RouterCounters
from laurel_mp.stages.sharding import block_of, shard
from laurel_mp.stages.stage_messages import ClockMark
from tests.support.streams import eoe, event, record, syscall, user


def test_one_event_one_worker() -> None:
    """All records of an event meet in one worker, however they are interleaved."""
    router = Router(4)
    lines = [record(b"PATH", serial, b"item=%d" % n) for n in range(3) for serial in range(2000)]
    batch = router.route(b"".join(lines), 0)

    homes: dict[bytes, set[int]] = {}
    for worker, share in enumerate(batch.shares):
        for line in share.blob.split(b"\n")[:-1]:
            homes.setdefault(line.split(b"(")[1].split(b")")[0], set()).add(worker)
    assert len(homes) == 2000
    assert all(len(workers) == 1 for workers in homes.values())
    assert {0, 1, 2, 3} == set.union(*homes.values())


def test_segments() -> None:
    """Segments say where in the stream each piece of a share stands."""
    data = b"".join(event(serial) for serial in range(100, 2000, 7))
    batch = Router(3).route(data, 5000)

    for share in batch.shares:
        start = 0
        for position, length in share.segments:
            piece = share.blob[start : start + length]
            assert data[position - 5000 : position - 5000 + length] == piece
            start += length
        assert len(share.blob) == start
        assert share.end == 5000 + len(data)
    assert len(data) == sum(len(share.blob) for share in batch.shares)


def test_runs_stay_together() -> None:
    """Lines of one block of serials are one segment."""
    data = b"".join(event(serial) for serial in range(100, 200))
    batch = Router(4).route(eoe(1) + data, 0)

    assert sum(len(share.segments) for share in batch.shares) <= 4


def test_what_is_too_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks say from where on there are no more lines than are kept, to the step."""
    monkeypatch.setattr(router, "STEP", 1000)
    monkeypatch.setattr(router, "MAX_LINES", 200)
    data = b"".join(event(serial) for serial in range(1000, 2000))
    (share,) = Router(0).route(data, 0).shares
    kept = [data[mark.oldest : mark.position].count(b"\n") for mark in share.marks]

    assert max(kept) <= 200
    assert min(kept[60:]) > 180
    assert share.marks[0].oldest == 0


def test_shards_of_events() -> None:
    """The worker of an event in flight is the one that gets its lines."""
    lines = [record(b"PATH", serial, node=node) for serial in (0, 7, 12, 100, 4711, 10**17)
             for node in (b"", b"a", b"b")]  # fmt: skip
    for line in lines:
        batch = Router(5).route(line, 0)
        (found,) = [worker for worker, share in enumerate(batch.shares) if share.blob]
        node = line[5:6] if line.startswith(b"node=") else None
        id_ = line.split(b"(")[1].split(b")")[0]
        assert found == shard(node, block_of(id_), 5)


def test_clock_follows_the_time_stamps() -> None:
    """Without a clock, that of the stream stands at the latest time stamp, and never goes back."""
    data = b"".join(user(serial, second=second) for serial, second in
                    enumerate([1000, 1003, 1001, 1004, 999]))  # fmt: skip
    (share,) = Router(0).route(data, 0).shares

    assert [mark.now for mark in share.marks] == [3.0, 4.0]


def test_clock_that_is_given() -> None:
    """A given clock counts, and time stamps do not."""
    router = Router(0)
    data = user(1, second=1000) + user(2, second=2000)

    assert [ClockMark(0, 5.0, False)] == router.route(data, 0, now=5.0).shares[0].marks
    assert router.route(data, len(data), now=5.0).shares[0].marks == []


def test_a_wrong_time_stamp() -> None:
    """One line from the far future does not stop the clock forever."""
    router = Router(0)
    data = user(1, second=1000) + user(2, second=900_000_000)
    many = b"".join(user(serial, second=1001) for serial in range(3, 2 * LEAP_BYTES // 60))
    late = user(99, second=1005)
    (share,) = router.route(data + many + late, 0).shares

    assert len(share.marks) >= 2
    assert share.marks[-1].now - share.marks[0].now == 4.0


def test_eoe_is_noticed() -> None:
    """From its first EOE record on, a stream is known to have them."""
    router = Router(0)
    data = syscall(7) + eoe(7) + syscall(8)
    (share,) = router.route(data, 0).shares

    assert [ClockMark(len(syscall(7)), 0.0, True)] == share.marks
    assert router.has_eoe


def test_words_of_eoe() -> None:
    """Text like an EOE record within another record is none."""
    router = Router(0)
    router.route(user(7, b"type=EOE msg=audit(1000.000:7): ") * 3, 0)

    assert not router.has_eoe


def test_eoe_ends() -> None:
    """When no EOE record has come for long, the stream is taken for one without."""
    router = Router(0)
    router.route(eoe(7), 0)
    line = record(b"PATH", 8, b"x" * 60_000)
    position = len(eoe(7))
    while position <= EOE_GAP + 2 * STEP:
        router.route(line, position)
        position += len(line)

    assert not router.has_eoe


def test_counters() -> None:
    """Lines are counted, and malformed ones among them."""
    router = Router(2)
    batch = router.route(event(7) + b"bad\n\n", 0)
    router.route(event(8), 1000)

    assert RouterCounters(8, 2) == router.counters
    assert batch.lines == 5
    assert [line for _, line in batch.malformed] == [b"bad", b""]

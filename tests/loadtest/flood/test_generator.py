"""The stream of a flood: its bytes, its order, its bounds."""

import re
from collections import Counter
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.loadtest.flood import Flood, Options, Tree, mix, population
from laurel_mp.records.header import LINE
from tests.support.floods import FEW, options_of_floods

_id = re.compile(rb"(?m)^(?:node=\S+ )?type=(\S+) msg=audit\(([0-9.]+):([0-9]+)\):")


def stream(options: Options, size: int = 64) -> bytes:
    """All of a flood."""
    return b"".join(Flood(options).chunks(size))


@given(options_of_floods(), st.integers(1, 100))
@FEW
def test_same_options_same_bytes(options: Options, size: int) -> None:
    """However the stream is taken, and whether or not the truth is asked for."""
    truth: list[bytes] = []

    first = stream(options)

    assert first == stream(options, size)
    assert first == b"".join(Flood(options, truth.append).chunks())
    assert b"".join(truth).count(b"\n") == 1 + options.events


def test_seeds_differ() -> None:
    """Another seed gives another stream."""
    assert stream(Options(events=100)) != stream(Options(events=100, seed=1))


@given(options_of_floods())
@FEW
def test_lines(options: Options) -> None:
    """Each line has a header, and each event its own id."""
    flood = Flood(options)
    data = b"".join(flood.chunks())

    lines = data.splitlines(keepends=True) if b"\x1d" not in data else data.split(b"\n")
    assert all(LINE.fullmatch(line.rstrip(b"\n") + b"\n") for line in lines if line)
    assert (data.count(b"\n"), len(data)) == (flood.lines, flood.bytes)
    assert len({id_ for *_, id_ in _id.findall(data)}) == options.events == flood.events


@pytest.mark.no_cover  # for its size
@pytest.mark.parametrize("enriched", [False, True])
def test_nothing_repeats(enriched: bool) -> None:
    """With `unique` 1 no line comes twice, whatever its id is, but for ends of events."""
    data = stream(Options(events=20_000, mix=mix.ALL, unique=1, enriched=enriched))

    bodies = Counter(_id.sub(rb"\1", data).split(b"\n"))
    again = [body for body, number in bodies.items() if number > 1]
    assert [body for body in again if body and not body.startswith(b"EOE")] == []


def test_much_repeats() -> None:
    """By default, as much comes but once as in the capture: a fifth of all lines."""
    data = stream(Options(events=10_000))

    bodies = Counter(_id.sub(rb"\1", data).split(b"\n"))
    once = sum(number for number in bodies.values() if number == 1)
    assert 0.17 < once / bodies.total() < 0.25


@pytest.mark.parametrize("most", [1, 2, 16])
def test_open_events(most: int) -> None:
    """As many events are open at a time as were asked for, from the end of the first one on."""
    data = stream(Options(events=2000, interleave=most))

    ids = [serial for *_, serial in _id.findall(data)]
    last = {serial: index for index, serial in enumerate(ids)}
    is_open: set[bytes] = set()
    numbers = []
    for index, serial in enumerate(ids):
        is_open.add(serial)
        numbers.append(len(is_open))
        if last[serial] == index:
            is_open.remove(serial)
    assert max(numbers) == most
    assert sum(numbers) / len(numbers) > 0.7 * most


def test_serials_and_times() -> None:
    """With events in parallel few serials are out of order; times are of the kernel's clock."""
    data = stream(Options(events=5000, interleave=4, rate=2000.0, start=100))

    found = list(dict.fromkeys((int(serial), time) for _, time, serial in _id.findall(data)))
    serials = [serial for serial, _ in found]
    assert sorted(serials) == list(range(30_001, 35_001))
    assert 1 < sum(one > other for one, other in pairwise(serials)) < 100
    milliseconds = [int(time.replace(b".", b"")) for _, time in found]
    assert {time % 4 for time in milliseconds} == {0}
    assert (milliseconds[0], milliseconds[-1]) == (100_000, 102_496)


def test_pids_come_again() -> None:
    """They go up and begin again, never one that is in use; the tree keeps its size."""
    with patch.object(population, "MAX_PID", 1000):
        flood = Flood(Options(events=20_000, tree=Tree(100, 6, 10)))
        data = b"".join(flood.chunks())
    pids = Counter(re.findall(rb"syscall=(?:56|58|435) success=yes exit=(\d+)", data))
    assert min(pids.values()) < max(pids.values())
    assert max(pids.values()) > 3
    people = flood._made.population
    assert 85 < len(people.lasting) + people.size < 115
    alive = [*people.lasting, *people.passing, *people.young]
    assert max(process.pid for process in alive) < 1000
    assert len({process.pid for process in alive}) == len(alive)
    assert max(process.depth for process in alive) <= 6


def test_ends_that_nobody_shows() -> None:
    """With more forks than exits the others are killed, and no pid comes again."""
    with patch.object(population, "MAX_PID", 500):
        data = stream(Options(events=5000, mix={"fork": 1}, tree=Tree(50)))

    pids = re.findall(rb"syscall=(?:56|58|435) success=yes exit=(\d+)", data)
    assert len(set(pids)) == len(pids) == 5000

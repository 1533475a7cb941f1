"""Accounts of processes, and their sums."""

import os
import signal
from collections.abc import Callable

import pytest

from laurel_mp.pipeline.counters import meter as meter_module
from laurel_mp.pipeline.counters.accounts import Accounts, ProcessSlot
from laurel_mp.pipeline.counters.meter import COUNTED, TABLES, Fill, Meter
from laurel_mp.pipeline.counters.scoreboard import ROW, Scoreboard

WRITER = ProcessSlot("writer", 0)


@pytest.fixture
def board() -> Scoreboard:
    """One for all processes of a test."""
    return Scoreboard()


def test_what_is_noted_is_read(board: Scoreboard) -> None:
    """Numbers, CPU time, memory and tables come out as they went in."""
    meter = Meter(board.row(0))
    meter.count_batch(7, 30, 10)
    meter.count_batch(8, 40, 12)
    meter.wrote(8)
    meter.measure({"processes": Fill(3, 10, 1)}, {"lookups": 5})
    noted = meter_module.read(board.row(0))

    assert noted.last_batch == 8
    numbers = {name: noted.numbers[name] for name in ("batches", "lines", "events", "lookups")}
    assert numbers == {"batches": 2, "lines": 40, "events": 12, "lookups": 5}
    assert noted.numbers["written_bytes"] == 8
    assert noted.numbers["cpu_user_seconds"] + noted.numbers["cpu_system_seconds"] > 0
    assert noted.numbers["memory_bytes"] > 1 << 20
    assert noted.tables == {"processes": Fill(3, 10, 1)}


def test_system_time_is_system_time(board: Scoreboard) -> None:
    """C6: what the kernel does for a process, and what it does itself, are told apart."""

    def spent(work: Callable[[], object]) -> tuple[int, int]:
        meter = Meter(board.row(0))
        found = [meter_module.read(board.row(0)).numbers]
        for batch in (1, 2):
            meter.count_batch(batch, 0, 0)
            found.append(meter_module.read(board.row(0)).numbers)
            work()
        user, system = (
            found[2][key] - found[1][key] for key in ("cpu_user_seconds", "cpu_system_seconds")
        )
        return user, system

    with open("/dev/zero", "rb", buffering=0) as zeros:  # noqa: PTH123
        buffer = bytearray(64 << 20)
        # Many ticks of the clock: by these the kernel tells them apart.
        user, system = spent(lambda: [zeros.readinto(buffer) for _ in range(30)])
    assert system > user
    user, system = spent(lambda: sum(range(20_000_000)))
    assert user > system


def test_rows_are_apart(board: Scoreboard) -> None:
    """A process writes neither into another's row nor over its batch."""
    board.set_batch(1, 99)
    Meter(board.row(0)).count_batch(7, 30, 10)

    assert board.row(1).tolist() == [0] * ROW
    assert board.batch(1) == 99


def test_each_table_has_its_place(board: Scoreboard) -> None:
    """All of them at once, and no number of one is that of another."""
    fills = {name: Fill(place, 100 + place, 200 + place) for place, name in enumerate(TABLES)}
    meter = Meter(board.row(0))
    meter.measure(fills, {})

    noted = meter_module.read(board.row(0))
    assert noted.tables == fills
    assert not any(noted.numbers[name] for name in COUNTED)


def test_looks_are_seldom(board: Scoreboard) -> None:
    """Measures that cost more are read every two seconds."""
    times = iter((100.0, 101.9, 102.0, 103.0))
    meter = Meter(board.row(0), lambda: next(times))

    assert [meter.is_due() for _ in range(4)] == [True, False, True, False]


def test_memory_of_no_process() -> None:
    """Of a process that is not there nothing is known."""
    assert meter_module.resident_bytes(0) == 0


def test_counts_survive(board: Scoreboard) -> None:
    """Counts continue when a killed process is replaced."""
    accounts = Accounts(board)
    accounts.begin([WRITER])

    child = os.fork()
    if child == 0:
        meter = Meter(board.row(0))
        meter.count_batch(7, 30, 10)
        meter.measure({"nodes": Fill(3, 10, 4), "processes": Fill(1, 2, 0)}, {"lookups": 5})
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    before = accounts.account(WRITER)
    accounts.settle()
    accounts.settle()  # of what is settled nothing is left
    between = accounts.account(WRITER)
    accounts.begin([WRITER])
    meter = Meter(board.row(0))
    meter.count_batch(9, 3, 1)
    meter.measure({"nodes": Fill(2, 10, 1)}, {})
    after = accounts.account(WRITER)

    assert (before.last_batch, between.last_batch, after.last_batch) == (7, 0, 9)
    for name in ("lines", "events", "lookups", "batches"):
        assert before.numbers[name] == between.numbers[name]
    assert after.numbers["events"] == 11
    assert after.numbers["lines"] == 33
    assert after.numbers["memory_bytes"] == meter_module.read(board.row(0)).numbers["memory_bytes"]
    assert after.numbers["cpu_user_seconds"] >= before.numbers["cpu_user_seconds"]
    assert after.tables == {"nodes": Fill(2, 10, 5)}
    assert after.starts == 2


def test_totals(board: Scoreboard) -> None:
    """All that was ever counted, also by processes that there are no more; but for one."""
    accounts = Accounts(board)
    accounts.begin([WRITER, ProcessSlot("worker-1", 2), ProcessSlot("worker-2", 3)])
    for slot in (0, 2, 3):
        Meter(board.row(slot)).count_batch(1, 10, 1)
    accounts.settle()
    accounts.begin([WRITER, ProcessSlot("worker-1", 2)])
    Meter(board.row(2)).count_batch(1, 10, 1)

    assert accounts.total("lines", without="writer") == 30
    assert [member.name for member in accounts.processes] == ["writer", "worker-1"]


def test_a_row_has_room() -> None:
    """All that is noted fits."""
    assert 1 + len(COUNTED) + len(meter_module.MEASURED) + 3 * len(TABLES) <= ROW

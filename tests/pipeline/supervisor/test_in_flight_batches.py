"""Batches that were handed over and are not written."""

from laurel_mp.pipeline.supervisor.in_flight_batches import InFlightBatches, Waiting


def test_what_waits() -> None:
    """For a process, by what it has done, and by what it can have at all."""
    batches = InFlightBatches()
    for number in (10, 20, 30):
        batches.add(number, number, number / 10)

    assert batches.bytes == 60
    assert batches.waiting(0) == Waiting(3, 60, 1.0)
    assert batches.waiting(10) == Waiting(2, 50, 2.0)
    assert batches.waiting(10, 20) == Waiting(1, 20, 2.0)
    assert batches.waiting(30) == Waiting(0, 0, None)


def test_what_is_written() -> None:
    """Written batches do not wait, and take no room."""
    batches = InFlightBatches()
    for number in (10, 20, 30):
        batches.add(number, number, 0.0)
    batches.written(20)

    assert batches.bytes == 30
    assert batches.waiting(0) == Waiting(1, 30, 0.0)

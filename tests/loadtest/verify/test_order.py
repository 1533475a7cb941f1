"""Counting events out of order."""

from __future__ import annotations

import random
from bisect import bisect_left

import pytest

from laurel_mp.loadtest.verify.order import Order


def misplaced(numbers: list[int]) -> int:
    """The least number to move, by trying for each number the best that may stand before it."""
    best: list[int] = []
    for at, number in enumerate(numbers):
        before = [
            length for other, length in zip(numbers[:at], best, strict=True) if other < number
        ]
        best.append(1 + max(before, default=0))
    return len(numbers) - max(best, default=0)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], 0),
        ([0, 1, 2, 3], 0),
        ([0, 2, 9], 0),  # what is missing is not out of order
        ([1, 0], 1),
        ([5, 0, 1, 2, 3, 4, 6], 1),  # one that is early
        ([1, 2, 3, 4, 5, 0, 6], 1),  # one that is late
        ([2, 3, 0, 1], 2),
        ([3, 2, 1, 0], 3),
    ],
)
def test_known_sequences(numbers: list[int], expected: int) -> None:
    """So many would have to be moved."""
    order = Order()
    for number in numbers:
        order.add(number)

    assert expected == order.misplaced == misplaced(numbers)


def test_who_is_late() -> None:
    """A number is said to be out of order when a higher one was there before it."""
    order = Order()

    assert [order.add(number) for number in (0, 2, 1, 3)] == [True, True, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_settling_changes_nothing(seed: int) -> None:
    """With what is settled let go again and again, the count is that of the whole sequence."""
    chance = random.Random(seed)
    numbers = sorted(
        range(300), key=lambda number: number + chance.random() * chance.choice((1, 9))
    )
    order = Order()
    for at, number in enumerate(numbers):
        order.add(number)
        order.settle(min(numbers[at + 1 :], default=0))
        assert order.unsettled <= 20

    assert misplaced(numbers) == order.misplaced > 0


def test_memory_is_that_of_what_is_not_settled() -> None:
    """A long sequence that rises leaves nothing behind."""
    order = Order()
    for number in range(1000):
        order.add(number)
    order.settle(990)

    assert order.unsettled == 1000 - bisect_left(range(1000), 990)

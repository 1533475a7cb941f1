"""Choices by weight, drawn many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Generic, TypeVar

BLOCK = 512
"""One by one, they would take longer than all else that an event needs."""

Item = TypeVar("Item")


class Draws(Generic[Item]):
    """One of `items` after another, each as often as its weight says."""

    def __init__(self, random: Random, items: Sequence[Item], weights: Sequence[float]) -> None:
        self._random = random
        self._items = items
        self._weights = weights
        self._drawn: list[Item] = []

    def next(self) -> Item:
        """The next one."""
        if not self._drawn:
            self._drawn = self._random.choices(self._items, self._weights, k=BLOCK)
        return self._drawn.pop()

"""Draws items by weight, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Generic, TypeVar

BLOCK = 512
"""Drawn one by one, items took longer than the rest of an event."""

Item = TypeVar("Item")


class Draws(Generic[Item]):
    """Draws `items`, each as often as its weight says."""

    def __init__(self, random: Random, items: Sequence[Item], weights: Sequence[float]) -> None:
        self._random = random
        self._items = items
        self._weights = weights
        self._drawn: list[Item] = []

    def next(self) -> Item:
        """Returns the next item."""
        if not self._drawn:
            self._drawn = self._random.choices(self._items, self._weights, k=BLOCK)
        return self._drawn.pop()

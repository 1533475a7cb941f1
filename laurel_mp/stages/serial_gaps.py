"""Finds gaps in the serials of each node: events that the kernel has numbered and that were lost.

The kernel numbers events in sequence, and auditd passes them on nearly in this order. So a missing
serial is waited for, for `window` seconds of the arrival clock; a step of that clock counts as one
second at most, since nothing can arrive while the input is not read. Decisions are made at clock
marks, by the serials in front of them: their order between two marks, and the worker that has seen
them, make no difference.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from laurel_mp.events.reassembly.serial_collector import Seen
from laurel_mp.stages.node_serials import SPACE, CollectedState, Loss, NodeSerials, NodeState

MAX_NODES = 4096
"""Watched nodes. Of more, the one without events for the longest time is forgotten."""

LONGEST_STEP = 1.0
"""Greatest number of seconds for which a step of the clock counts."""


class SerialGapsState(NamedTuple):
    """State of `SerialGaps` between two batches."""

    clock: float
    now: float | None
    nodes: list[NodeState]
    """In the order of their last events."""
    collected: list[CollectedState]


def _merged(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merges ranges of serials into as few as possible, in order."""
    if len(pairs) < 2:
        return pairs
    found: list[tuple[int, int]] = []
    begin, end = -1, -2
    for first, last in sorted(pairs):
        if first <= end + 1:
            end = max(end, last)
        else:
            found.append((begin, end))
            begin, end = first, last
    return [*found[1:], (begin, end)]


class SerialGaps:
    """Finds gaps in the serials of all nodes."""

    def __init__(self, window: float) -> None:
        """A gap is open for `window` seconds; then its serials are lost."""
        self._window = window
        self._clock = 0.0
        self._now: float | None = None
        self._nodes: dict[bytes | None, NodeSerials] = {}
        self._waiting: dict[bytes | None, NodeSerials] = {}
        """Nodes with open gaps."""
        self._collected: dict[bytes | None, CollectedState] = {}

    @property
    def is_waiting(self) -> bool:
        """True if the clock alone may lead to a loss."""
        return bool(self._waiting) or not all(map(self._is_next, self._collected.values()))

    def _is_next(self, seen: CollectedState) -> bool:
        """True if these serials leave no gap behind those before."""
        node = self._nodes.get(seen.node)
        top = None if node is None else node.top
        (first, _), *more = seen.pairs or [(0, 0)]
        return not more and (top is None or first <= top % SPACE + 1)

    def see(self, seen: Seen) -> None:
        """Takes serials in front of the next mark."""
        node, ranges, oldest, newest, restarted = seen
        pairs = list(zip(ranges[::2], ranges[1::2], strict=True))
        found = self._collected.get(node)
        if found is not None:
            if found.pairs and pairs:
                low, high = (found.pairs[0][0], found.oldest), (found.pairs[-1][1], found.newest)
                _, oldest = min(low, (pairs[0][0], oldest))
                _, newest = max(high, (pairs[-1][1], newest))
            elif found.pairs:
                oldest, newest = found.oldest, found.newest
            pairs, restarted = _merged(found.pairs + pairs), found.restarted or restarted
        self._collected[node] = CollectedState(node, pairs, oldest, newest, restarted)

    def mark(self, now: float, *, final: bool = False) -> list[Loss]:
        """Returns the losses at a clock mark; with `final`, all gaps are losses."""
        touched: dict[bytes | None, NodeSerials] = {}
        for name, seen in self._collected.items():
            node = self._nodes.pop(name, None) or NodeSerials(name, seen.oldest)
            self._nodes[name] = node  # moves to the end
            if not node.follow(seen):
                touched[name] = node
                node.see(seen, self._clock)
        self._collected.clear()
        if self._now is not None:
            self._clock += min(max(now - self._now, 0.0), LONGEST_STEP)
        self._now = now
        while len(self._nodes) > MAX_NODES:
            name = next(iter(self._nodes))
            touched[name] = node = self._nodes.pop(name)
            node.close(len(node.missing))
        if not touched and not self._waiting:
            return []
        for name, node in {**self._waiting, **touched}.items():
            node.expire(math.inf if final else self._clock - self._window)
            touched[name] = node
            if node.missing:
                self._waiting[name] = node
            else:
                self._waiting.pop(name, None)
        losses = [touched[name].take_loss() for name in sorted(touched, key=lambda x: x or b"")]
        return [loss for loss in losses if loss is not None]

    # --- snapshots

    def state(self) -> SerialGapsState:
        """Returns the state between two batches; it shares mutable parts with this object."""
        return SerialGapsState(
            self._clock,
            self._now,
            [node.state() for node in self._nodes.values()],
            list(self._collected.values()),
        )

    def restore(self, state: SerialGapsState) -> None:
        """Continues from `state`; only before the first batch."""
        self._clock, self._now = state.clock, state.now
        self._nodes = {each.node: NodeSerials.of_state(each) for each in state.nodes}
        self._waiting = {name: node for name, node in self._nodes.items() if node.missing}
        self._collected = {each.node: each for each in state.collected}

"""Serials of one node: the highest one, gaps below it, and losses."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from laurel_mp.events.reassembly.event_in_flight import Node

SPACE = 1 << 32
"""Serials have 32 bits and wrap around; here they continue beyond that."""

NEAR = 1000
"""Distance within which serials belong together.

Serials further behind the highest may be of a counter that was reset. Of the first serials of a
node, those further behind the rest are old ones, and no gap follows them.
"""

WRAP = 1 << 20
"""Distance from its end at which the counter may wrap around."""

IMPLAUSIBLE = 1 << 24
"""Length of a gap that is no loss, but another counter."""

MAX_MISSING = 4096
"""Open gaps of a node. The oldest of more are closed at once."""

REMEMBERED = 64
"""Closed gaps of a node that are remembered, to notice late events."""

RESET_INTERVALS = 16
"""Intervals in a row with serials far behind that show a reset of the counter, whatever time stamps
say: a clock may have been set."""


class Gap(NamedTuple):
    """A run of missing serials."""

    first: int
    last: int
    opened: float
    """Clock of `SerialGaps` when the gap was noticed."""
    start: float
    """Newest time stamp before the gap."""
    end: float
    """Newest time stamp when the gap was noticed."""
    restarted: bool
    """True if auditd was restarted about then."""


class Loss(NamedTuple):
    """Lost events of one node, found at one clock mark."""

    node: bytes | None
    events: int
    """Number of lost events."""
    gaps: int
    first: int
    """Lowest lost serial."""
    last: int
    """Highest lost serial."""
    start: float
    """Time stamps between which they were numbered, in seconds."""
    end: float
    restarted: bool
    """True if auditd was restarted about then."""
    late: int
    """Events that arrived after they were counted as lost."""
    total: int
    """All lost events of this node so far, with these."""
    since: float
    """Time stamp at which `total` begins."""

    def plus(self, later: Loss) -> Loss:
        """Returns the sum of two losses."""
        if not later.events:
            return self._replace(late=self.late + later.late, total=later.total)
        if not self.events:
            return later._replace(late=self.late + later.late)
        return Loss(
            self.node,
            self.events + later.events,
            self.gaps + later.gaps,
            min(self.first, later.first),
            max(self.last, later.last),
            min(self.start, later.start),
            max(self.end, later.end),
            self.restarted or later.restarted,
            self.late + later.late,
            later.total,
            later.since,
        )


class NodeState(NamedTuple):
    """State of a `NodeSerials` between two batches."""

    node: Node | None
    top: int | None
    newest: float
    missing: list[Gap]
    closed: list[tuple[int, int]]
    below: int
    restarted: bool
    total: int
    since: float


class CollectedState(NamedTuple):
    """Serials of a node since the last mark."""

    node: Node | None
    pairs: list[tuple[int, int]]
    """Ranges of serials, in order."""
    oldest: float
    newest: float
    restarted: bool


class NodeSerials:
    """Serials of one node; here they continue beyond 32 bits."""

    def __init__(self, node: bytes | None, since: float) -> None:
        self.node = node
        self.top: int | None = None
        """Highest serial so far; None before the first one."""
        self.newest = since
        self.missing: list[Gap] = []
        """Open gaps, in the order of serials and of `opened`."""
        self.closed: list[tuple[int, int]] = []
        """The latest closed gaps."""
        self.below = 0
        """Intervals in a query in which all was far behind."""
        self.restarted = False
        self.total = 0
        self.since = since
        self._due: list[Gap] = []
        self._late = 0

    @classmethod
    def of_state(cls, state: NodeState) -> NodeSerials:
        """Restores the serials of a node."""
        node = cls(state.node, state.since)
        node.top, node.newest, node.below = state.top, state.newest, state.below
        node.missing, node.closed = state.missing, state.closed
        node.restarted, node.total = state.restarted, state.total
        return node

    def state(self) -> NodeState:
        """Returns the state between two batches."""
        return NodeState(
            self.node,
            self.top,
            self.newest,
            self.missing,
            self.closed,
            self.below,
            self.restarted,
            self.total,
            self.since,
        )

    # --- serials of an interval

    def follow(self, seen: CollectedState) -> bool:
        """Takes serials that follow the highest one without a gap; False if they do not."""
        pairs = seen.pairs
        if len(pairs) != 1 or pairs[0][0] - 1 != self.top or pairs[0][1] >= SPACE - WRAP:
            return False
        self.top = pairs[0][1]
        self.newest = max(self.newest, seen.newest)
        self.restarted = seen.restarted
        self.below = 0
        return True

    def see(self, seen: CollectedState, clock: float) -> None:
        """Takes all serials of an interval."""
        pairs = seen.pairs
        if not pairs:
            self.restarted |= seen.restarted
            return
        if self.top is None:
            self.newest = seen.oldest
            self.since = self.since or seen.oldest
        before, self.newest = self.newest, max(self.newest, seen.newest)
        if self.top is None or self._is_other_counter(self._extended(pairs), seen.oldest > before):
            self._start(pairs)
        restarted = self.restarted or seen.restarted
        self.restarted = seen.restarted
        gap = Gap(0, 0, clock, before, self.newest, restarted)
        for first, last in self._extended(pairs):
            self._take(first, last, gap)
        self.close(len(self.missing) - MAX_MISSING)

    def _is_other_counter(self, pairs: list[tuple[int, int]], is_newer: bool) -> bool:
        """True if the counter was reset, or is another one."""
        assert self.top is not None
        if max(last for _, last in pairs) >= self.top - NEAR:
            self.below = 0
            return pairs[0][0] > self.top + IMPLAUSIBLE
        self.below += 1
        return is_newer or self.below >= RESET_INTERVALS

    def _start(self, pairs: list[tuple[int, int]]) -> None:
        """Starts over with these serials: those before them are not missing."""
        self.close(len(self.missing))
        self.closed.clear()
        self.below = 0
        start = len(pairs) - 1
        while start and pairs[start][0] - pairs[start - 1][1] <= NEAR:
            start -= 1
        self.top = max(pairs[start][0] - 1, 0)

    def _extended(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Returns 32-bit serials on the extended scale of this node."""
        assert self.top is not None
        top = self.top % SPACE
        base = self.top - top
        ahead, behind = top >= SPACE - WRAP, top < WRAP and base > 0
        if not base and not ahead:
            return pairs
        found = []
        for first, last in pairs:
            here = base
            if ahead and last < WRAP:
                here += SPACE
            elif behind and first >= SPACE - WRAP:
                here -= SPACE
            found.append((first + here, last + here))
        if ahead and max(found)[0] > base + SPACE:
            found.append((base + SPACE, base + SPACE))  # not every event can have the number 0
        return sorted(found)

    def _take(self, first: int, last: int, gap: Gap) -> None:
        """Takes a run of serials; adds a gap, made from `gap`, if some are missing before it."""
        assert self.top is not None
        if first <= self.top:
            self._found(first, min(last, self.top))
        elif first > self.top + IMPLAUSIBLE:
            return
        elif first > self.top + 1:
            self.missing.append(gap._replace(first=self.top + 1, last=first - 1))
        self.top = max(self.top, last)

    def _found(self, first: int, last: int) -> None:
        """Takes serials up to the highest one: removes them from gaps."""
        missing = self.missing
        index = bisect_left(missing, first, key=lambda gap: gap.last)
        while index < len(missing) and missing[index].first <= last:
            gap = missing[index]
            left = [
                gap._replace(first=begin, last=end)
                for begin, end in _without(gap.first, gap.last, first, last)
            ]
            missing[index : index + 1] = left
            index += len(left)
        for begin, end in self.closed:
            if begin <= last and first <= end:
                self._late += min(end, last) - max(begin, first) + 1
        self.closed = [
            part for begin, end in self.closed for part in _without(begin, end, first, last)
        ]

    # --- closed gaps

    def expire(self, opened: float) -> None:
        """Closes gaps that were noticed at `opened` or before."""
        self.close(bisect_right(self.missing, opened, key=lambda gap: gap.opened))

    def close(self, count: int) -> None:
        """Closes the oldest `count` gaps."""
        if count <= 0:
            return
        due = self.missing[:count]
        del self.missing[:count]
        self._due += due
        self.closed = [*self.closed, *((gap.first, gap.last) for gap in due)][-REMEMBERED:]

    def take_loss(self) -> Loss | None:
        """Returns lost and late events since the last call; None if there are none."""
        due, self._due = self._due, []
        late, self._late = self._late, 0
        if not due and not late:
            return None
        count = sum(gap.last - gap.first + 1 for gap in due)
        self.total = max(self.total + count - late, 0)
        return Loss(
            self.node,
            count,
            len(due),
            due[0].first % SPACE if due else 0,
            due[-1].last % SPACE if due else 0,
            min((gap.start for gap in due), default=self.newest),
            max((gap.end for gap in due), default=self.newest),
            any(gap.restarted for gap in due),
            late,
            self.total,
            self.since,
        )


def _without(begin: int, end: int, first: int, last: int) -> list[tuple[int, int]]:
    """Returns the parts of the range `begin` to `end` outside of `first` to `last`."""
    if first > end or last < begin:
        return [(begin, end)]
    parts = [(begin, first - 1), (last + 1, end)]
    return [part for part in parts if part[0] <= part[1]]

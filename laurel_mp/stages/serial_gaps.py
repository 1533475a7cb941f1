"""Gaps in the serials of each node: events that the kernel has numbered and that never came.

The kernel gives each event the next number, and auditd hands them on nearly in this order. So what
is missing is waited for, for `window` seconds of the arrival clock; a step of that clock counts
as one second at most, as nothing could arrive while nobody read. Everything is decided at clock
marks, by what was seen before them: in which order it came between two marks, and through which
worker, makes no difference.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from laurel_mp.events.reassembly.event_in_flight import Node
from laurel_mp.events.reassembly.serial_collector import Seen

SPACE = 1 << 32
"""Serials have 32 bits and begin anew behind the last one; here they go on."""

NEAR = 1000
"""What is further behind may be of a counter that has started over; what is further ahead of the
first ones that were seen is where to start, as something old may stand in front."""

WRAP = 1 << 20
"""How near to its end the counter must be to begin anew."""

IMPLAUSIBLE = 1 << 24
"""So many events at once are not lost: that is another counter."""

MAX_MISSING = 4096
"""Gaps of a node that are waited for at a time. What is beyond is not waited for any longer."""

MAX_NODES = 4096
"""Nodes that are watched at a time; the one that was quiet longest is forgotten."""

REMEMBERED = 64
"""Gaps of a node that are known after their window, so that it can be said if something comes."""

PATIENCE = 16
"""After so many intervals in which all was far behind, the counter has started over, whatever time
stamps say: a clock may have been set."""

LONGEST_STEP = 1.0
"""Seconds that a step of the clock counts at most."""


class Gap(NamedTuple):
    """Serials that are missing."""

    first: int
    last: int
    opened: float
    """Our clock when that was seen."""
    start: float
    """The newest time stamp before it."""
    end: float
    """The newest one when it was seen."""
    restarted: bool
    """Whether auditd was restarted about then."""


class Loss(NamedTuple):
    """What became of the gaps of one node at one mark."""

    node: bytes | None
    events: int
    """How many are missing for good."""
    gaps: int
    first: int
    """The lowest serial among them."""
    last: int
    start: float
    """Time stamps between which they were numbered, in seconds."""
    end: float
    restarted: bool
    """Whether auditd was restarted about then."""
    late: int
    """Events that came after all, though they had been counted as missing."""
    total: int
    """All that are missing of this node, with these."""
    since: float
    """Since that time stamp."""

    def plus(self, later: Loss) -> Loss:
        """Both in one."""
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
    """A node between two batches; see _Node."""

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
    """What was seen of a node since the last mark."""

    node: Node | None
    pairs: list[tuple[int, int]]
    """Ranges of serials, in order."""
    oldest: float
    newest: float
    restarted: bool


class SerialsState(NamedTuple):
    """All nodes between two batches."""

    clock: float
    now: float | None
    nodes: list[NodeState]
    """The one that was quiet longest is first."""
    collected: list[CollectedState]


class _Node:
    """What is known of the serials of one node. They go on behind the 32nd bit here."""

    def __init__(self, node: bytes | None, since: float) -> None:
        self.node = node
        self.top: int | None = None
        """The highest one that was seen; None until one is."""
        self.newest = since
        self.missing: list[Gap] = []
        """What is waited for: in order, and so is when it was seen."""
        self.closed: list[tuple[int, int]] = []
        """What is not waited for any longer: the latest."""
        self.below = 0
        """Intervals in a query in which all was far behind."""
        self.restarted = False
        self.total = 0
        self.since = since
        self._due: list[Gap] = []
        self._late = 0

    @classmethod
    def of_state(cls, state: NodeState) -> _Node:
        node = cls(state.node, state.since)
        node.top, node.newest, node.below = state.top, state.newest, state.below
        node.missing, node.closed = state.missing, state.closed
        node.restarted, node.total = state.restarted, state.total
        return node

    def state(self) -> NodeState:
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

    # --- what is seen

    def follow(self, seen: CollectedState) -> bool:
        """Takes what comes right behind the former ones, as most does; whether it did."""
        pairs = seen.pairs
        if len(pairs) != 1 or pairs[0][0] - 1 != self.top or pairs[0][1] >= SPACE - WRAP:
            return False
        self.top = pairs[0][1]
        self.newest = max(self.newest, seen.newest)
        self.restarted = seen.restarted
        self.below = 0
        return True

    def see(self, seen: CollectedState, clock: float) -> None:
        """Takes all that was seen in an interval."""
        pairs = seen.pairs
        if not pairs:
            self.restarted |= seen.restarted
            return
        if self.top is None:
            self.newest = seen.oldest
            self.since = self.since or seen.oldest
        before, self.newest = self.newest, max(self.newest, seen.newest)
        if self.top is None or self._is_elsewhere(self._going_on(pairs), seen.oldest > before):
            self._start(pairs)
        restarted = self.restarted or seen.restarted
        self.restarted = seen.restarted
        gap = Gap(0, 0, clock, before, self.newest, restarted)
        for first, last in self._going_on(pairs):
            self._take(first, last, gap)
        self.close(len(self.missing) - MAX_MISSING)

    def _is_elsewhere(self, pairs: list[tuple[int, int]], is_newer: bool) -> bool:
        """Whether the counter has started over, or is another one."""
        assert self.top is not None
        if max(last for _, last in pairs) >= self.top - NEAR:
            self.below = 0
            return pairs[0][0] > self.top + IMPLAUSIBLE
        self.below += 1
        return is_newer or self.below >= PATIENCE

    def _start(self, pairs: list[tuple[int, int]]) -> None:
        """Begins with these: what may be missing before them is no gap."""
        self.close(len(self.missing))
        self.closed.clear()
        self.below = 0
        start = len(pairs) - 1
        while start and pairs[start][0] - pairs[start - 1][1] <= NEAR:
            start -= 1
        self.top = max(pairs[start][0] - 1, 0)

    def _going_on(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The same on the scale of this node."""
        assert self.top is not None
        place = self.top % SPACE
        base = self.top - place
        ahead, behind = place >= SPACE - WRAP, place < WRAP and base > 0
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
        """These were seen. If some are missing in front of them, that is a gap like `gap`."""
        assert self.top is not None
        if first <= self.top:
            self._found(first, min(last, self.top))
        elif first > self.top + IMPLAUSIBLE:
            return
        elif first > self.top + 1:
            self.missing.append(gap._replace(first=self.top + 1, last=first - 1))
        self.top = max(self.top, last)

    def _found(self, first: int, last: int) -> None:
        """Some that are not above the highest one have come."""
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

    # --- what is not waited for any longer

    def expire(self, opened: float) -> None:
        """Closes gaps that were seen at `opened` or before."""
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
        """What was closed, and what came late, since the last call."""
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


def _merged(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same serials in as few ranges as possible, in order."""
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


def _without(begin: int, end: int, first: int, last: int) -> list[tuple[int, int]]:
    """What is left of a range without another one."""
    if first > end or last < begin:
        return [(begin, end)]
    parts = [(begin, first - 1), (last + 1, end)]
    return [part for part in parts if part[0] <= part[1]]


class Serials:
    """Watches the serials of all nodes. `window` is how long what is missing is waited for."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._clock = 0.0
        self._now: float | None = None
        self._nodes: dict[bytes | None, _Node] = {}
        self._waiting: dict[bytes | None, _Node] = {}
        """Those with gaps that are waited for."""
        self._collected: dict[bytes | None, CollectedState] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether anything is waited for, so that the clock must go on."""
        return bool(self._waiting) or not all(map(self._is_next, self._collected.values()))

    def _is_next(self, seen: CollectedState) -> bool:
        """Whether these come right behind the former ones, so that they can leave no gap."""
        node = self._nodes.get(seen.node)
        top = None if node is None else node.top
        (first, _), *more = seen.pairs or [(0, 0)]
        return not more and (top is None or first <= top % SPACE + 1)

    def see(self, seen: Seen) -> None:
        """Takes what was seen, before the mark that comes next."""
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
        """What is missing for good, by a mark at `now`; with `final`, all that is missing."""
        touched: dict[bytes | None, _Node] = {}
        for name, seen in self._collected.items():
            node = self._nodes.pop(name, None) or _Node(name, seen.oldest)
            self._nodes[name] = node  # behind all others
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

    # --- going on elsewhere

    def state(self) -> SerialsState:
        """What to go on from, between two batches; it goes on changing with this."""
        return SerialsState(
            self._clock,
            self._now,
            [node.state() for node in self._nodes.values()],
            list(self._collected.values()),
        )

    def restore(self, state: SerialsState) -> None:
        """Goes on from there; only for one that has seen nothing yet."""
        self._clock, self._now = state.clock, state.now
        self._nodes = {each.node: _Node.of_state(each) for each in state.nodes}
        self._waiting = {name: node for name, node in self._nodes.items() if node.missing}
        self._collected = {each.node: each for each in state.collected}

"""What is missing, as lines of the output: because there is where someone looks.

A line for each node at most once in `interval` seconds of the arrival clock, which says what was
found missing since the one before. So a host that loses much does not drown in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from laurel_mp.events.reassembly.bodies import clock_key
from laurel_mp.events.reassembly.event_in_flight import Node
from laurel_mp.events.reassembly.serial_collector import Interval
from laurel_mp.formats import native
from laurel_mp.stages.serial_gaps import Loss, Serials, SerialsState

LATEST_RANK = (1 << 64) - 1
"""Behind all events that the clock completes at the same place."""


@dataclass(frozen=True, slots=True)
class LossOptions:
    """How gaps are looked for, and where they are told."""

    window: float = 5.0
    """Seconds that a missing serial is waited for."""
    interval: float = 10.0
    """Seconds between two lines about one node at least."""
    lines: bool = False
    """Whether there are lines at all."""
    key: bytes = native.NOTE


class Line(NamedTuple):
    """A line of the output that is no event, without its last brace."""

    key: int
    """What orders it among events."""
    head: bytes


class Found(NamedTuple):
    """What was found out with a batch."""

    losses: list[Loss]
    lines: list[Line]


class LossesState(NamedTuple):
    """See Losses."""

    serials: SerialsState
    untold: list[Loss]
    told: list[tuple[Node | None, float]]

    def anew(self) -> LossesState:
        """The same without anything that is waited for; what was counted stays."""
        nodes = [
            node._replace(top=None, missing=[], closed=[], below=0, restarted=False)
            for node in self.serials.nodes
        ]
        return self._replace(serials=self.serials._replace(nodes=nodes, collected=[]))


NOTHING = LossesState(SerialsState(0.0, None, [], []), [], [])


NO_INTERVAL = Interval(-1, 0.0, False, [])


class Losses:
    """Finds gaps and says so. Between two batches it can go on elsewhere."""

    def __init__(self, options: LossOptions) -> None:
        self._options = options
        self._serials = Serials(options.window)
        self._untold: dict[bytes | None, Loss] = {}
        self._told: dict[bytes | None, float] = {}
        """When there was the last line about a node, if that is not long ago."""

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to do when the clock goes on."""
        return bool(self._untold) or self._serials.is_waiting

    def take(self, intervals: Sequence[Sequence[Interval]]) -> Found:
        """What is found with the intervals of a batch, for each worker."""
        found = Found([], [])
        for together in zip_longest(*intervals, fillvalue=NO_INTERVAL):
            position, now, final = -1, 0.0, False
            for interval in together:
                for seen in interval.seen:
                    self._serials.see(seen)
                if interval.position >= 0:
                    position, now, final, _ = interval
            if position >= 0:
                losses = self._serials.mark(now, final=final)
                found.losses.extend(losses)
                found.lines.extend(self._tell(losses, position, now, final=final))
        return found

    def _tell(self, losses: list[Loss], position: int, now: float, *, final: bool) -> list[Line]:
        if not self._options.lines:
            return []
        if not losses and not self._untold:
            return []
        for loss in losses:
            former = self._untold.get(loss.node)
            self._untold[loss.node] = loss if former is None else former.plus(loss)
        over = [node for node, told in self._told.items() if now - told >= self._options.interval]
        for node in over:
            del self._told[node]
        due = [node for node in self._untold if final or node not in self._told]
        lines = []
        for node in due:
            self._told[node] = now
            lines.append(Line(clock_key(position), self._text(self._untold.pop(node))))
        return lines

    def _text(self, loss: Loss) -> bytes:
        return native.begin(
            b"%b:%d" % (_time(loss.end), loss.first), loss.node
        ) + b',"%b":{"op":"loss","kind":"serial-gap",%b}' % (
            self._options.key,
            b",".join(_members(loss)),
        )

    # --- going on elsewhere

    def state(self) -> LossesState:
        """What to go on from; it goes on changing with this."""
        return LossesState(
            self._serials.state(), list(self._untold.values()), list(self._told.items())
        )

    def restore(self, state: LossesState) -> None:
        """Goes on from there; only for one that has seen nothing yet."""
        self._serials.restore(state.serials)
        self._untold = {loss.node: loss for loss in state.untold}
        self._told = dict(state.told)


def note(seconds: float, kind: bytes, members: bytes, key: bytes) -> bytes:
    """A whole line about a loss that no serial belongs to, seen at a time of the wall clock."""
    beginning = native.begin(b"%.3f:0" % seconds, None)
    return beginning + b',"%b":{"op":"loss","kind":"%b",%b}}' % (key, kind, members)


def _members(loss: Loss) -> list[bytes]:
    members = []
    if loss.events:
        members += [
            b'"count":%d,"gaps":%d' % (loss.events, loss.gaps),
            b'"first":%d,"last":%d' % (loss.first, loss.last),
            b'"from":%b,"to":%b' % (_time(loss.start), _time(loss.end)),
        ]
    if loss.late:
        members.append(b'"late":%d' % loss.late)
    if loss.restarted:
        members.append(b'"restarted":true')
    members.append(b'"total":%d,"since":%b' % (loss.total, _time(loss.since)))
    return members


def _time(seconds: float) -> bytes:
    return b"%.3f" % seconds

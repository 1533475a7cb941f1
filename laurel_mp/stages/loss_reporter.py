"""Reports losses as lines of the output.

There is at most one line for each node in `interval` seconds of the arrival clock; it sums up the
losses since the line before. So a host that loses much does not flood the output.
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
from laurel_mp.stages.node_serials import Loss
from laurel_mp.stages.serial_gaps import SerialGaps, SerialGapsState

LATEST_RANK = (1 << 64) - 1
"""Rank behind all events that the clock completes at the same position."""


@dataclass(frozen=True, slots=True)
class LossOptions:
    """Options of the search for gaps and of their report."""

    window: float = 5.0
    """Seconds to wait for a missing serial."""
    interval: float = 10.0
    """Least number of seconds between two lines about one node."""
    lines: bool = False
    """Add lines to the output."""
    key: bytes = native.NOTE


class Line(NamedTuple):
    """A line of the output that reports a loss, without its last brace."""

    key: int
    """Its order among events."""
    head: bytes


class Found(NamedTuple):
    """LossReporter found with a batch, and lines that report some."""

    losses: list[Loss]
    lines: list[Line]


class LossReporterState(NamedTuple):
    """State of a `LossReporter` between two batches."""

    serials: SerialGapsState
    unreported: list[Loss]
    reported: list[tuple[Node | None, float]]

    def without_gaps(self) -> LossReporterState:
        """Returns the state without open gaps; counts stay."""
        nodes = [
            node._replace(top=None, missing=[], closed=[], below=0, restarted=False)
            for node in self.serials.nodes
        ]
        return self._replace(serials=self.serials._replace(nodes=nodes, collected=[]))


NOTHING = LossReporterState(SerialGapsState(0.0, None, [], []), [], [])


NO_INTERVAL = Interval(-1, 0.0, False, [])


class LossReporter:
    """Finds gaps in serials and reports them."""

    def __init__(self, options: LossOptions) -> None:
        self._options = options
        self._gaps = SerialGaps(options.window)
        self._unreported: dict[bytes | None, Loss] = {}
        self._reported: dict[bytes | None, float] = {}
        """Time of the last line about a node, if that is recent."""

    @property
    def is_waiting(self) -> bool:
        """True if the clock alone may lead to a report."""
        return bool(self._unreported) or self._gaps.is_waiting

    def take(self, intervals: Sequence[Sequence[Interval]]) -> Found:
        """Takes the intervals of a batch, a list for each worker; returns the losses found."""
        found = Found([], [])
        for together in zip_longest(*intervals, fillvalue=NO_INTERVAL):
            position, now, final = -1, 0.0, False
            for interval in together:
                for seen in interval.seen:
                    self._gaps.see(seen)
                if interval.position >= 0:
                    position, now, final, _ = interval
            if position >= 0:
                losses = self._gaps.mark(now, final=final)
                found.losses.extend(losses)
                found.lines.extend(self._tell(losses, position, now, final=final))
        return found

    def _tell(self, losses: list[Loss], position: int, now: float, *, final: bool) -> list[Line]:
        if not self._options.lines:
            return []
        if not losses and not self._unreported:
            return []
        for loss in losses:
            former = self._unreported.get(loss.node)
            self._unreported[loss.node] = loss if former is None else former.plus(loss)
        over = [
            node
            for node, reported in self._reported.items()
            if now - reported >= self._options.interval
        ]
        for node in over:
            del self._reported[node]
        due = [node for node in self._unreported if final or node not in self._reported]
        lines = []
        for node in due:
            self._reported[node] = now
            lines.append(Line(clock_key(position), self._text(self._unreported.pop(node))))
        return lines

    def _text(self, loss: Loss) -> bytes:
        beginning = native.begin(b"%b:%d" % (_time(loss.end), loss.first), loss.node)
        return beginning + b',"%b":{"op":"loss","kind":"serial-gap",%b}' % (
            self._options.key,
            b",".join(_members(loss)),
        )

    # --- snapshots

    def state(self) -> LossReporterState:
        """Returns the state between two batches; it shares mutable parts with this object."""
        return LossReporterState(
            self._gaps.state(), list(self._unreported.values()), list(self._reported.items())
        )

    def restore(self, state: LossReporterState) -> None:
        """Continues from `state`; only before the first batch."""
        self._gaps.restore(state.serials)
        self._unreported = {loss.node: loss for loss in state.unreported}
        self._reported = dict(state.reported)


def note(seconds: float, kind: bytes, members: bytes, key: bytes) -> bytes:
    """Returns a line about a loss without serials, noticed at a time of the wall clock."""
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

"""Reports missing events, in the log and as counters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from laurel_mp.observe.measures import Row
from laurel_mp.stages.node_serials import Loss

PERIOD = 60.0
"""Seconds between two messages about a node."""

MAX_NODES = 64
"""Nodes that are counted separately; all others count as one."""

OTHERS = "other nodes"


class Missing:
    """Counts the serials that are missing from an input, for offline commands."""

    def __init__(self) -> None:
        self.events = 0

    def add(self, losses: Sequence[Loss]) -> None:
        """Adds the losses that a batch has shown."""
        self.events += sum(loss.events - loss.late for loss in losses)


@dataclass(slots=True)
class _Host:
    events: int = 0
    gaps: int = 0
    late: int = 0
    said: float | None = None
    """Time of the last message."""
    unsaid: Loss | None = None


class LossReport:
    """Logs the missing events of each node: the first at once, later ones once in a period."""

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    def add(self, losses: Sequence[Loss]) -> None:
        """Adds the losses that a batch has shown."""
        for loss in losses:
            name = "" if loss.node is None else loss.node.decode("utf-8", "replace")
            if name not in self._hosts and len(self._hosts) >= MAX_NODES:
                name = OTHERS
            host = self._hosts.setdefault(name, _Host())
            host.events += loss.events
            host.gaps += loss.gaps
            host.late += loss.late
            host.unsaid = loss if host.unsaid is None else host.unsaid.plus(loss)
        self.tick()

    def tick(self) -> None:
        """Logs what is due."""
        now = self._clock()
        for name, host in self._hosts.items():
            if host.unsaid is not None and (host.said is None or now - host.said >= PERIOD):
                host.said = now
                self._tell(name, host)

    def next_due(self) -> float:
        """Returns the seconds until `tick` has something to log."""
        dues = [host.said for host in self._hosts.values() if host.unsaid is not None]
        return min([due + PERIOD - self._clock() for due in dues if due is not None], default=3600)

    def close(self) -> None:
        """Logs all that was not logged yet."""
        for name, host in self._hosts.items():
            self._tell(name, host)

    def rows(self) -> Iterator[Row]:
        """Returns the counters of each node."""
        for name, host in self._hosts.items():
            yield {
                "node": name,
                "missing_events": host.events,
                "gaps": host.gaps,
                "late_events": host.late,
            }

    def _tell(self, name: str, host: _Host) -> None:
        loss, host.unsaid = host.unsaid, None
        if loss is not None:
            self._say(_text(loss, f" of {name}" if name else "", host))


def _text(loss: Loss, of_host: str, host: _Host) -> str:
    if not loss.events:
        return f"{_events(loss.late)}{of_host} arrived late, counted as missing before"
    where = f"serial {loss.first}"
    if loss.events > 1:
        where = f"serials {loss.first} to {loss.last}"
        if loss.gaps > 1:
            where += f", in {loss.gaps} gaps"
    when = f"numbered between {_time(loss.start)} and {_time(loss.end)}"
    parts = [f"{_events(loss.events)}{of_host} missing: {where}, {when}"]
    if loss.restarted:
        parts.append("auditd was restarted about then")
    if loss.late:
        parts.append(f"{_events(loss.late)} arrived late")
    parts.append(f"{host.events - host.late} since the start")
    return "; ".join(parts)


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


def _time(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):  # the stream may hold any number
        return f"{seconds:.0f}"

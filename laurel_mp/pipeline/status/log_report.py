"""Log messages about a run: at its start, periodically, and at its end."""

from __future__ import annotations

from laurel_mp.config import Config
from laurel_mp.observe.groups import LEDGER, PROGRAM
from laurel_mp.observe.register import Snapshot, remarkable, total
from laurel_mp.pipeline.supervisor.ledger import Ledger

_COUNTS = {
    "lines": "lines",
    "written_events": "events",
    "filtered_events": "filtered events",
    "duplicate_lines": "duplicate lines",
    "malformed_lines": "malformed lines",
}
"""Counters that are always reported, by key in the group `ledger`."""


def started(version: str, config: Config) -> str:
    """Returns the first message."""
    return f"started version {version}{_marker(config)}"


def stopped(total: Ledger, config: Config) -> str:
    """Returns the last message, with the counters of the run."""
    text = (
        f"{total.lines} lines, {total.written} events, {total.filtered_events} filtered events, "
        f"{total.duplicate} duplicate lines, {total.malformed} malformed lines"
    )
    return f"stopped: {text} in total{_marker(config)}"


class StatusReport:
    """Reports the counters every `statusreport-period` seconds, and their growth.

    `now` is the time in seconds by a clock that never goes back.
    """

    def __init__(self, config: Config, now: float) -> None:
        self.use(config)
        self._since = now
        self._before: Snapshot = {}

    def use(self, config: Config) -> None:
        """Takes another configuration; the present period continues."""
        self._config = config
        self._period = float(config.statusreport_period)

    def wait(self, now: float) -> float | None:
        """Returns the seconds until the next report; None if there are no reports."""
        return max(self._since + self._period - now, 0.0) if self._period else None

    def text(self, snapshot: Snapshot, now: float) -> str:
        """Returns the report, and begins the next period."""
        before, self._before = self._before, snapshot
        since, self._since = self._since, now
        parts = [
            f"{_counts(snapshot, before)} in {now - since:.0f} s",
            f"{_counts(snapshot)} in total",
            f"{total(snapshot, LEDGER, 'lines_in_flight')} lines in flight",
            f"CPU time {_cpu(snapshot, before)}, {_cpu(snapshot)} in total",
        ]
        for name, grown in remarkable(snapshot, before).items():
            parts.append(f"{name}: {grown:g}")
        return f"status: {'; '.join(parts)}{_marker(self._config)}"


def _counts(now: Snapshot, before: Snapshot | None = None) -> str:
    """Returns the counters of the ledger, or their growth."""
    start = before or {}
    return ", ".join(
        f"{total(now, LEDGER, key) - total(start, LEDGER, key)} {text}"
        for key, text in _COUNTS.items()
    )


def _cpu(now: Snapshot, before: Snapshot | None = None) -> str:
    start = before or {}
    user, system = (
        total(now, PROGRAM, key) - total(start, PROGRAM, key)
        for key in ("cpu_user_seconds", "cpu_system_seconds")
    )
    return f"{user:.2f} s user and {system:.2f} s system"


def _marker(config: Config) -> str:
    return f" ({config.marker})" if config.marker else ""

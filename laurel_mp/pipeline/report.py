"""What the log says about a run: at its start, from time to time, and at its end."""

from __future__ import annotations

from dataclasses import replace

from laurel_mp.config import Config
from laurel_mp.pipeline.ledger import Ledger


def started(version: str, config: Config) -> str:
    """The first message."""
    return f"started version {version}{_marker(config)}"


def stopped(total: Ledger, config: Config) -> str:
    """The last message: what became of all input."""
    return f"stopped: {_counts(total)} in total{_marker(config)}"


class StatusReport:
    """Compares the counters with those of the report before, every `statusreport-period` seconds.

    `now` is the time in seconds by a clock that never goes back.
    """

    def __init__(self, config: Config, now: float) -> None:
        self.use(config)
        self._since = now
        self._before = Ledger()

    def use(self, config: Config) -> None:
        """Takes another configuration; the period that runs goes on."""
        self._config = config
        self._period = float(config.statusreport_period)

    def wait(self, now: float) -> float | None:
        """Seconds until the next report is due, 0 if it is; None if none is wanted."""
        return max(self._since + self._period - now, 0.0) if self._period else None

    def text(self, ledger: Ledger, now: float) -> str:
        """The report; from here on the next period runs."""
        seconds = now - self._since
        period = _counts(ledger, self._before)
        self._before = replace(ledger)
        self._since = now
        total = _counts(ledger)
        flight = f"{ledger.in_flight} lines in flight"
        return (
            f"status: {period} in {seconds:.0f} s; {total} in total; {flight}"
            f"{_marker(self._config)}"
        )


def _counts(now: Ledger, before: Ledger | None = None) -> str:
    """The counters, or how much they have grown.

    While a crash of a process is being made good they can be behind what they were.
    """
    names = {
        "lines": "lines",
        "written": "events",
        "filtered_events": "filtered events",
        "duplicate": "duplicate lines",
        "malformed": "malformed lines",
    }
    start = before or Ledger()
    grown = {text: getattr(now, name) - getattr(start, name) for name, text in names.items()}
    return ", ".join(f"{max(number, 0)} {text}" for text, number in grown.items())


def _marker(config: Config) -> str:
    return f" ({config.marker})" if config.marker else ""

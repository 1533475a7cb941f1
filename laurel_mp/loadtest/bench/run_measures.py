"""Figures of one run of one candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from an event's last record to its line in the output."""

    p50: float
    p99: float
    most: float
    missing: int
    """Events whose line was not seen: dropped, or merged with others of the same id."""

    @classmethod
    def of(cls, times: list[float], missing: int) -> Latency | None:
        """Summarises the latencies of the events that were seen; None without any."""
        if not times:
            return None
        times = sorted(times)
        return cls(times[len(times) // 2], times[len(times) * 99 // 100], times[-1], missing)


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one run."""

    wall: float
    """Seconds: of an offline conversion from start to end, live from the first byte sent to the
    end of the program."""
    cpu: float
    """Seconds of user and system time of all processes together, in that time."""
    lines: int
    """Lines of input."""
    events: int
    """Lines of output."""
    memory: int | None
    """Bytes: the highest sum of all processes' proportional set sizes that was seen. None if
    access is denied."""
    shares: Mapping[str, float]
    """Part of one core that each process used, by title."""
    others: float
    """Cores that other processes used meanwhile, or that a hypervisor took away."""
    latency: Latency | None = None

    @property
    def lines_per_second(self) -> float:
        """Throughput, in lines of input."""
        return self.lines / self.wall

    @property
    def events_per_second(self) -> float:
        """Throughput, in lines of output."""
        return self.events / self.wall

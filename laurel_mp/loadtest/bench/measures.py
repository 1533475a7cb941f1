"""What is measured in one run of one candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """From when an event's last record was sent to when its line stood in the output; seconds."""

    p50: float
    p99: float
    most: float
    missing: int
    """Events sent whose line was not seen: dropped, or merged with others of the same id."""

    @classmethod
    def of(cls, times: list[float], missing: int) -> Latency | None:
        """Of the latencies of all events that were seen; None if there was none."""
        if not times:
            return None
        times = sorted(times)
        return cls(times[len(times) // 2], times[len(times) * 99 // 100], times[-1], missing)


@dataclass(frozen=True, slots=True)
class Measures:
    """One run."""

    wall: float
    """Seconds: of an offline conversion from start to end, live from the first byte sent to the
    end of the program."""
    cpu: float
    """Seconds of user and system time of all processes together, in that time."""
    lines: int
    """Given to it."""
    events: int
    """Lines that it wrote."""
    memory: int | None
    """Bytes: the highest sum of all processes' proportional set sizes that was seen. None if they
    may not be looked at."""
    shares: Mapping[str, float]
    """What each process used of one core, by what it calls itself."""
    others: float
    """Cores that anybody else used meanwhile, with what a hypervisor took away."""
    latency: Latency | None = None

    @property
    def lines_per_second(self) -> float:
        """Throughput, in lines of input."""
        return self.lines / self.wall

    @property
    def events_per_second(self) -> float:
        """Throughput, in lines of output."""
        return self.events / self.wall

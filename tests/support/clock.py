"""A clock that only the test moves, for what writes at its own pace."""

from collections.abc import Callable

from laurel_mp.loadtest.pacing import Pace


class Clock:
    """Time that passes only during a sleep, or a write to a slow reader."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 1000.0
        self.naps = 0
        self._late = late
        self.writes: list[tuple[float, bytes]] = []

    def sleep(self, seconds: float) -> None:
        """Sleep, and be late by what this machine is late."""
        assert seconds > 0
        self.naps += 1
        self.now += seconds + self._late

    def writer(self, stalls: dict[int, float] | None = None) -> Callable[[bytes], None]:
        """A writer that notes when it wrote; the n-th write takes so many seconds."""

        def write(data: bytes) -> None:
            self.writes.append((self.now - 1000.0, data))
            self.now += (stalls or {}).get(len(self.writes) - 1, 0.0)

        return write

    def pace(self) -> Pace:
        """A pace by this clock."""
        return Pace(lambda: self.now, self.sleep)

"""Losses that no gap in the stream shows: the kernel counts some, and auditd notes others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from laurel_mp.config import Config
from laurel_mp.observe.measures import Row
from laurel_mp.pipeline.daemon.auditd_state import AuditdState
from laurel_mp.pipeline.daemon.kernel_watch import KernelWatch
from laurel_mp.pipeline.daemon.loss_report import PERIOD
from laurel_mp.pipeline.daemon.netlink import KernelStatus
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.stages.loss_reporter import note

STEP = 1.0
"""Seconds between two looks at anything but what the kernel has said."""

STATE_PERIOD = 300.0
"""The same while there is nothing else to do."""


class UpstreamLossMonitor:
    """Looks now and then, says in the log what has come to it, and has notes for the output."""

    def __init__(
        self,
        config: Config,
        say: Callable[[str], None],
        kernel: KernelWatch | None,
        state: AuditdState | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._say = say
        self._kernel = kernel
        self._state = state or AuditdState()
        self._clock = clock
        self._wall_clock = wall_clock
        self._since = wall_clock()
        self._status: KernelStatus | None = None
        self._lost = 0
        """Records that the kernel has dropped since the start."""
        self._unsaid = self._unnoted = 0
        """How many of these were not told in the log, and in the output."""
        self._said = self._noted = -math.inf
        self._next = 0.0
        self._overflows = 0
        self._notes: list[bytes] = []
        self.use(config)

    def use(self, config: Config) -> None:
        """Takes another configuration."""
        self._options = stage_options.losses(config, live=True)
        self._wants_state = config.loss.auditd_state

    def filenos(self) -> tuple[int, ...]:
        """Readable when there is something to look at."""
        return () if self._kernel is None else self._kernel.filenos()

    def next_due(self) -> float:
        """Seconds until it should look in any case."""
        return STATE_PERIOD if self._wants_state else 3600.0

    def step(self) -> None:
        """Looks, if it has not done so just now."""
        now = self._clock()
        if self._kernel is not None:
            self._look_at_kernel(self._kernel)
        if now < self._next:
            return
        self._next = now + STEP
        if self._unsaid and now - self._said >= PERIOD:
            self._said = now
            self._say(
                f"{_records(self._unsaid)} dropped by the kernel, by its own count; "
                f"{self._lost} since the start"
            )
            self._unsaid = 0
        if self._unnoted and now - self._noted >= self._options.interval:
            self._noted = now
            members = b'"count":%d,"total":%d,"since":%.3f' % (
                self._unnoted,
                self._lost,
                self._since,
            )
            self._add_note(b"kernel", members)
            self._unnoted = 0
        if self._wants_state and self._state.overflowed():
            self._overflows += 1
            self._say(
                "auditd says that its queue to the plugins was full: it has dropped records; "
                "see q_depth in auditd.conf(5)"
            )
            self._add_note(b"auditd-queue", b'"since":%.3f' % self._since)

    def _look_at_kernel(self, kernel: KernelWatch) -> None:
        status = kernel.latest()
        if kernel.problem:
            self._say(f"the kernel's count of lost records is not read: {kernel.problem}")
            self._kernel = None
        if status is None:
            return
        if self._status is not None:
            # Somebody can set it to 0 (`auditctl --reset-lost`).
            former = self._status.lost if status.lost >= self._status.lost else 0
            self._lost += status.lost - former
            self._unsaid += status.lost - former
            self._unnoted += status.lost - former
        self._status = status

    def _add_note(self, kind: bytes, members: bytes) -> None:
        if self._options.lines:
            self._notes.append(note(self._wall_clock(), kind, members, self._options.key))

    @property
    def has_notes(self) -> bool:
        """Whether there is something for the output."""
        return bool(self._notes)

    def take_notes(self) -> list[bytes]:
        """Lines for the output, since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def rows(self) -> Iterator[Row]:
        """The counters."""
        row: dict[str, int | float | str] = {"auditd_overflows": self._overflows}
        if self._status is not None:
            row["kernel_dropped_records"] = self._lost
            row["kernel_backlog_records"] = self._status.backlog
            row["kernel_backlog_limit_records"] = self._status.backlog_limit
        yield row


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"

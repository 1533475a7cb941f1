"""Losses that no gap in the stream shows: counted by the kernel, or noted by auditd."""

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
"""Seconds between two steps, but for the kernel's count."""

STATE_PERIOD = 300.0
"""Seconds between two reads of auditd's state while there is no input."""


class UpstreamLossMonitor:
    """Logs upstream losses, and has lines about them for the output."""

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
        """Records that the kernel dropped since the start."""
        self._unsaid = self._unnoted = 0
        """Number of these that are not in the log yet, and not in the output."""
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
        """Returns descriptors that are readable when `step` has something to do."""
        return () if self._kernel is None else self._kernel.filenos()

    def next_due(self) -> float:
        """Returns the seconds until `step` is due."""
        return STATE_PERIOD if self._wants_state else 3600.0

    def step(self) -> None:
        """Checks for losses, at most once a second."""
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
                "auditd dropped records: its queue to the plugins was full; "
                "see q_depth in auditd.conf(5)"
            )
            self._add_note(b"auditd-queue", b'"since":%.3f' % self._since)

    def _look_at_kernel(self, kernel: KernelWatch) -> None:
        status = kernel.latest()
        if kernel.problem:
            self._say(f"cannot read the kernel's count of lost records: {kernel.problem}")
            self._kernel = None
        if status is None:
            return
        if self._status is not None:
            # `auditctl --reset-lost` sets it to 0.
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
        """True if there are lines for the output."""
        return bool(self._notes)

    def take_notes(self) -> list[bytes]:
        """Returns the lines for the output since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def rows(self) -> Iterator[Row]:
        """Returns the counters."""
        row: dict[str, int | float | str] = {"auditd_overflows": self._overflows}
        if self._status is not None:
            row["kernel_dropped_records"] = self._lost
            row["kernel_backlog_records"] = self._status.backlog
            row["kernel_backlog_limit_records"] = self._status.backlog_limit
        yield row


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"

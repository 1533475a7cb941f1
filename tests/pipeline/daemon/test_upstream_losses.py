"""Losses that the stream does not show."""

import json
from pathlib import Path
from typing import Any

from laurel_mp import config as configuration
from laurel_mp.pipeline.daemon.auditd_state import AuditdState
from laurel_mp.pipeline.daemon.kernel_watch import KernelWatch
from laurel_mp.pipeline.daemon.loss_report import PERIOD
from laurel_mp.pipeline.daemon.netlink import KernelStatus
from laurel_mp.pipeline.daemon.upstream_losses import STATE_PERIOD, UpstreamLossMonitor
from tests.support.clock import Clock


class Kernel(KernelWatch):
    """Says what a test wants it to."""

    def __init__(self) -> None:
        super().__init__()
        self.next: KernelStatus | None = None

    def latest(self) -> KernelStatus | None:
        """Messages since the last call."""
        found, self.next = self.next, None
        return found


class Watch:
    """A monitor with a clock, a kernel and a file of its own."""

    def __init__(self, directory: Path, text: str = "") -> None:
        self.clock = Clock()
        self.kernel = Kernel()
        self.texts: list[str] = []
        self.file = directory / "auditd.state"
        config = configuration.parse(text, "the test's configuration")
        self.monitor = UpstreamLossMonitor(
            config,
            self.texts.append,
            self.kernel,
            AuditdState([self.file]),
            lambda: self.clock.now,
            lambda: 1000.25,
        )

    def kernel_says(self, lost: int, seconds: float = 5.0) -> None:
        """It has lost so many in all."""
        self.clock.now += seconds
        self.kernel.next = KernelStatus(8192, lost, 7)
        self.monitor.step()

    def notes(self) -> list[dict[str, Any]]:
        """Lines for the output."""
        assert self.monitor.has_notes
        return [json.loads(line) for line in self.monitor.take_notes()]

    def row(self) -> dict[str, Any]:
        """The counters."""
        (row,) = self.monitor.rows()
        return dict(row)


def test_the_kernel_loses(tmp_path: Path) -> None:
    """Growth of the kernel's count is in the log, the output and the counters."""
    watch = Watch(tmp_path)
    watch.kernel_says(50)
    assert (watch.texts, watch.monitor.has_notes) == ([], False)
    watch.kernel_says(53)

    assert watch.texts == ["3 records dropped by the kernel, by its own count; 3 since the start"]
    loss = {"op": "loss", "kind": "kernel", "count": 3, "total": 3, "since": 1000.25}
    assert watch.notes() == [{"ID": "1000.250:0", "LAUREL_MP": loss}]
    expected = {"kernel_dropped_records": 3, "auditd_overflows": 0}
    expected |= {"kernel_backlog_records": 7, "kernel_backlog_limit_records": 8192}
    assert watch.row() == expected


def test_not_too_often(tmp_path: Path) -> None:
    """Losses soon after are reported together, in output and log at their own pace."""
    watch = Watch(tmp_path)
    for lost in (0, 1, 3):
        watch.kernel_says(lost)
    assert [note["LAUREL_MP"]["count"] for note in watch.notes()] == [1]
    watch.kernel_says(6)
    assert [note["LAUREL_MP"]["count"] for note in watch.notes()] == [5]
    assert len(watch.texts) == 1
    watch.kernel_says(6, PERIOD)
    assert watch.texts[1:] == [
        "5 records dropped by the kernel, by its own count; 6 since the start"
    ]


def test_the_count_is_set_to_0(tmp_path: Path) -> None:
    """After a reset of the kernel's count, its growth is added to ours."""
    watch = Watch(tmp_path)
    watch.kernel_says(50)
    watch.kernel_says(1)

    assert watch.row()["kernel_dropped_records"] == 1


def test_unreadable_count(tmp_path: Path) -> None:
    """Without the right to ask, that is said once."""
    watch = Watch(tmp_path)
    watch.kernel.problem = "Operation not permitted"
    watch.monitor.step()
    watch.monitor.step()

    expected = "cannot read the kernel's count of lost records: Operation not permitted"
    assert watch.texts == [expected]
    assert watch.row() == {"auditd_overflows": 0}
    assert watch.monitor.filenos() == ()


def test_auditd_overflows(tmp_path: Path) -> None:
    """An overflow in auditd's state file is reported, too."""
    watch = Watch(tmp_path)
    watch.file.write_text("plugin queue overflow detected = yes\n")
    watch.monitor.step()

    assert watch.texts[0].startswith("auditd dropped records: its queue to the plugins was full")
    loss = {"op": "loss", "kind": "auditd-queue", "since": 1000.25}
    assert watch.notes() == [{"ID": "1000.250:0", "LAUREL_MP": loss}]
    assert watch.row()["auditd_overflows"] == 1
    assert watch.monitor.next_due() == STATE_PERIOD


def test_not_wanted(tmp_path: Path) -> None:
    """The configuration says what is looked at, and whether the output says anything."""
    watch = Watch(tmp_path, '[loss]\nrecords = "never"\nauditd-state = false\n')
    watch.file.write_text("plugin queue overflow detected = yes\n")
    watch.kernel_says(50)
    watch.kernel_says(51)

    assert len(watch.texts) == 1
    assert not watch.monitor.has_notes
    assert watch.monitor.next_due() > STATE_PERIOD

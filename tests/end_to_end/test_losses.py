"""Real losses in the kernel and in auditd are reported in the output, log and status."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import StartAuditd
from tests.support.auditd import PluginConf, RealAuditd, install_plugin
from tests.support.waiting import wait_until

CONFIG = """
{top}
directory = "{directory}"
[auditlog]
file = "events.log"
[debug]
inputlog = {{ file = "input.log", size = 0 }}
log = {{ file = "messages.log" }}
[loss]
window = 1
interval = 0
{loss}
[metrics]
file = "laurel-mp.prom"
period = 1
[pipeline]
workers = {workers}
[enrich]
pid = false
parent-info = false
spawned-by = false
"""

SERIAL = re.compile(rb"^type=(\S+) msg=audit\([0-9.]+:([0-9]+)\)", re.MULTILINE)


class Host:
    """A directory whose program is audited, and what laurel-mp made of that."""

    def __init__(self, directory: Path, workers: int) -> None:
        self.directory = directory
        self.program = directory / "bin" / "true"
        self.program.parent.mkdir()
        found = shutil.which("true")
        assert found
        shutil.copy(Path(found).resolve(), self.program)
        self.config = directory / "config.toml"
        self.workers = workers
        self.configure()
        plugin = install_plugin(
            directory / "plugin",
            f"#!{sys.executable}\n"
            "import runpy\nrunpy.run_module('laurel_mp', run_name='__main__')\n",
        )
        self.rules = f"-w {self.program.parent} -p x -k story\n"
        self.plugins = {"laurel-mp": PluginConf(plugin, args=f"-c {self.config}")}

    def configure(self, top: str = "", loss: str = "") -> None:
        """Write the configuration, with more settings."""
        self.config.write_text(
            CONFIG.format(
                directory=self.directory / "log", workers=self.workers, top=top, loss=loss
            )
        )
        self.config.chmod(0o600)

    def burst(self, count: int) -> None:
        """Run the program so many times."""
        loop = f"i=0; while [ $i -lt {count} ]; do {self.program}; i=$((i+1)); done"
        subprocess.run(["/bin/sh", "-c", loop], check=True)

    def read(self, name: str) -> bytes:
        """One of the logs."""
        path = self.directory / "log" / name
        return path.read_bytes() if path.exists() else b""

    def given(self) -> set[int]:
        """Serials that the plugin was given."""
        found = SERIAL.findall(self.read("input.log"))
        return {int(serial) for name, serial in found if not name.startswith(b"DAEMON_")}

    def missing(self) -> set[int]:
        """Serials that it was not given, between those that it was given."""
        given = self.given()
        return set(range(min(given), max(given))) - given

    def events(self) -> list[dict[str, Any]]:
        """The lines of the output."""
        return [json.loads(line) for line in self.read("events.log").split(b"\n")[:-1]]

    def incomplete(self) -> list[dict[str, Any]]:
        """Those that say that they lack something."""
        return [event for event in self.events() if "INCOMPLETE" in event]

    def ends(self) -> dict[int, bool]:
        """For each event that has a SYSCALL record, whether its end came."""
        found = SERIAL.findall(self.read("input.log"))
        ended = {int(serial) for name, serial in found if name == b"EOE"}
        return {int(serial): int(serial) in ended for name, serial in found if name == b"SYSCALL"}

    def records(self, kind: str = "serial-gap") -> list[dict[str, Any]]:
        """Its loss lines of a kind."""
        found = [event["LAUREL_MP"] for event in self.events() if "LAUREL_MP" in event]
        return [record for record in found if record["op"] == "loss" and record["kind"] == kind]

    def told(self) -> int:
        """Number of missing events by the output."""
        return sum(record["count"] for record in self.records())

    def wait_for(self, program: str) -> None:
        """Wait until the execution of a program is in the output."""
        wait_until(lambda: program.encode() in self.read("events.log"), f"{program} is there", 60)

    def mark(self, name: str) -> None:
        """Execute something by another name, and wait until that is in the output."""
        copy = self.program.with_name(name)
        shutil.copy(self.program, copy)
        subprocess.run([copy], check=True)
        self.wait_for(str(copy))

    def status(self) -> dict[str, Any]:
        """The daemon's status document."""
        command = [sys.executable, "-m", "laurel_mp", "status", "--json"]
        done = subprocess.run([*command, "-c", self.config], capture_output=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def dropped_by_kernel(self) -> int | None:
        """Number of records dropped by the kernel, by the status; None if unknown."""
        found: int | None = self.status()["queues"].get("kernel_dropped_records")
        return found


def ingest_of(auditd: RealAuditd) -> psutil.Process:
    """The process that auditd has started."""
    (found,) = psutil.Process(auditd.process.pid).children()
    return found


@pytest.mark.parametrize("workers", [0, 2])
def test_rate_limit(real_auditd: StartAuditd, public_path: Path, workers: int) -> None:
    """Events that the kernel drops at a rate limit are counted, and incomplete ones are marked."""
    host = Host(public_path, workers)
    with real_auditd(public_path, host.rules, host.plugins) as auditd:
        host.mark("before")
        lost = auditd.status()["lost"]
        with auditd.limited_rate(40):
            host.burst(60)
            dropped = auditd.status()["lost"] - lost
        host.mark("after")
        missing = host.missing()
        wait_until(lambda: host.told() >= len(missing), "all that is missing is told")
        torn = {serial for serial, ended in host.ends().items() if not ended}
        wait_until(lambda: len(host.incomplete()) == len(torn), "all torn events are over")
        wait_until(
            lambda: host.status()["ledger"]["incomplete_events"] == len(torn), "status says so"
        )
        status = host.status()
        metric = f'laurel_mp_losses_missing_events_total{{node=""}} {len(missing)}\n'
        wait_until(lambda: metric.encode() in host.read("laurel-mp.prom"), "metrics say so")

    assert missing == host.missing()
    assert dropped > len(missing) > 5
    records = host.records()
    assert len(missing) == host.told() == records[-1]["total"]
    assert min(missing) == records[0]["first"]
    assert max(missing) == records[-1]["last"]
    (of_host,) = status["losses"]
    assert of_host["missing_events"] == len(missing)
    messages = host.read("messages.log").decode()
    assert re.search(r"[0-9]+ events missing: serials [0-9]+ to [0-9]+", messages)
    said = [int(n) for n in re.findall(r"; ([0-9]+) since the start", messages)]
    assert said[-1] == len(missing)

    incomplete, ledger = host.incomplete(), status["ledger"]
    assert ledger["incomplete_events"] == len(incomplete) > 0
    assert torn == {int(event["ID"].rpartition(":")[2]) for event in incomplete}
    for reason, key in (("no-eoe", "events_without_end"), ("missing-path", "events_without_path")):
        assert ledger[key] == len([e for e in incomplete if reason in e["INCOMPLETE"]]), reason


def test_a_plugin_kept_from_reading(real_auditd: StartAuditd, public_path: Path) -> None:
    """Events that auditd drops, its queue being full, are missing in the output only."""
    host = Host(public_path, 0)
    with real_auditd(public_path, host.rules, host.plugins, q_depth=512) as auditd:
        host.mark("before")
        lost = auditd.status()["lost"]
        ingest = ingest_of(auditd)
        ingest.suspend()
        try:
            host.burst(170)
            wait_until(lambda: auditd.status()["backlog"] == 0, "auditd has taken all", 60)
        finally:
            ingest.resume()
        host.mark("after")
        missing = host.missing()
        wait_until(lambda: host.told() >= len(missing), "all that is missing is told")
        auditd.process.send_signal(signal.SIGCONT)  # it writes its state
        wait_until(lambda: host.records("auditd-queue"), "auditd's own word is told", 40)
        # What is told may be a second old.
        wait_until(lambda: host.status()["queues"]["auditd_overflows"] == 1, "status says so, too")
        logged = {int(serial) for _, serial in SERIAL.findall(auditd.log_file.read_bytes())}
        assert auditd.status()["lost"] == lost

    assert len(missing) > 20
    assert missing == host.missing()
    assert missing <= logged
    assert len(missing) == host.told()


KERNEL = "kernel = true\n"


@pytest.mark.parametrize("user", ["", 'user = "nobody"\n'])
def test_what_only_the_kernel_counts(
    real_auditd: StartAuditd, public_path: Path, user: str
) -> None:
    """With the right to ask, records that the kernel has dropped are told by its own count."""
    host = Host(public_path, 0)
    host.configure(top=user, loss=KERNEL)
    with real_auditd(public_path, host.rules, host.plugins) as auditd:
        host.mark("before")
        wait_until(lambda: host.dropped_by_kernel() is not None, "the kernel was asked", 20)
        lost = auditd.status()["lost"]
        with auditd.limited_rate(40):
            host.burst(60)
        host.mark("after")
        dropped = auditd.status()["lost"] - lost
        wait_until(lambda: host.dropped_by_kernel() == dropped, "all that was dropped is told", 20)
        wait_until(lambda: host.records("kernel"), "the output says so", 20)
        processes = [p for p in ingest_of(auditd).children() if "kernel" in p.cmdline()[0]]
        rights = Path(f"/proc/{processes[0].pid}/status").read_text()

    assert dropped > 50
    (record,) = host.records("kernel")
    assert dropped == record["count"] == record["total"]
    assert f"{dropped} records dropped by the kernel" in host.read("messages.log").decode()
    assert "CapPrm:\t0000000040000000" in rights
    assert "CapEff:\t0000000000000000" in rights
    assert "CapBnd:\t0000000040000000" in rights


@contextmanager
def started_again(directory: Path) -> Iterator[None]:
    """Run auditd once more, with the same configuration."""
    again = RealAuditd(
        subprocess.Popen(["auditd", "-n", "-c", directory], start_new_session=True),
        directory / "log" / "audit.log",
    )
    try:
        wait_until(lambda: again.status().get("pid") == again.process.pid, "auditd is connected")
        yield
    finally:
        again.stop()


def test_a_restart_of_auditd(real_auditd: StartAuditd, public_path: Path) -> None:
    """Events while no auditd runs are missing, and the report gives possible reasons.

    The kernel numbers these events, and does not count them as lost.
    """
    host = Host(public_path, 0)
    with real_auditd(public_path, host.rules, host.plugins) as auditd:
        host.mark("before")
        auditd.stop()
        lost = auditd.status()["lost"]
        host.burst(5)
        assert auditd.status()["lost"] == lost
        with started_again(public_path / "auditd"):
            host.mark("after")
            wait_until(host.told, "what is missing is told", 20)

    assert len(host.missing()) == host.told() >= 5
    assert host.records()[0]["restarted"] is True
    assert "auditd was restarted about then" in host.read("messages.log").decode()

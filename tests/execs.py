"""Runs programs at a rate under a real auditd, and shows the CPU time of LAUREL and laurel-mp.

    python3 -m tests.execs --rates 50,100,200,400 --seconds 20

All plugins get the records of the same execs from the same auditd at the same time, so that other
load on the machine meets them alike. Needs root, and no other auditd: audit rules of this machine
are removed. See tests/support/auditd.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.errors import LaurelError
from laurel_mp.loadtest.bench.candidates import equal_features, peer
from laurel_mp.loadtest.usage import cpu_seconds, tree
from tests.support.auditd import PluginConf, RealAuditd, install_plugin, real_auditd
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[1]

START_SECONDS = 30.0

SETTLE_SECONDS = 1.0
"""Longer than any linger time: all events of the execs before are written then."""

LONGEST = 1.5
"""Times the seconds: a machine that is too slow for the rate does not take longer."""

_SCRIPT = "#!{}\nimport runpy\nrunpy.run_module('laurel_mp', run_name='__main__')\n"

_SPAWN = """
import sys
from tests.execs import spawn
print(spawn(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
"""


@dataclass(frozen=True)
class Plugin:
    """A plugin that is measured."""

    conf: PluginConf
    config: Path
    output: Path

    @classmethod
    def installed(cls, directory: Path, program: Path | None, section: str) -> Plugin:
        """One with all features that both sides have; ours if there is no `program`."""
        directory.mkdir()
        config = directory / "config.toml"
        config.write_text(equal_features(directory, proc=True) + section)
        config.chmod(0o600)
        program = program or install_plugin(directory / "plugin", _SCRIPT.format(sys.executable))
        return cls(PluginConf(program, args=f"-c {config}"), config, directory / "audit.log")

    def lines(self) -> int:
        """Returns how many events it has written."""
        return self.output.read_bytes().count(b"\n")

    def pid(self, auditd: RealAuditd) -> int:
        """Returns its first process; 0 if it has not opened its output yet."""
        for pid in tree(auditd.process.pid)[1:] if self.output.exists() else ():
            if str(self.config) in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                return pid
        return 0


def spawn(program: str, rate: float, seconds: float) -> int:
    """Runs a program `rate` times a second, each one to its end; returns how often."""
    start = time.monotonic()
    number = 0
    while number < rate * seconds and time.monotonic() - start < seconds * LONGEST:
        time.sleep(max(start + number / rate - time.monotonic(), 0.0))
        os.waitpid(os.posix_spawn(program, [program, str(number)], {}), 0)
        number += 1
    return number


def measure(
    plugins: Mapping[str, Plugin], auditd: RealAuditd, program: Path, rate: float, seconds: float
) -> Iterator[str]:
    """Runs execs at one rate; yields a line for each plugin, and for auditd itself."""
    pids = {name: tree(plugin.pid(auditd)) for name, plugin in plugins.items()}
    pids["auditd"] = [auditd.process.pid]
    before = {name: sum(map(cpu_seconds, each)) for name, each in pids.items()}
    lines = {name: plugin.lines() for name, plugin in plugins.items()}
    start = time.monotonic()
    # By a younger process: the kernel audits no process that was there before auditing began.
    execs = subprocess.check_output(
        [sys.executable, "-c", _SPAWN, program, str(rate), str(seconds)], cwd=ROOT, text=True
    )
    time.sleep(SETTLE_SECONDS)
    wall = time.monotonic() - start
    for name, each in pids.items():
        used = 100 * (sum(map(cpu_seconds, each)) - before[name]) / wall
        events = plugins[name].lines() - lines[name] if name in plugins else 0
        yield f"{rate:5.0f}/s {name:12} {used:6.2f} %   {int(execs)} execs, {events} events\n"


def run(rates: Sequence[float], seconds: float, workers: Sequence[str], peer_name: str) -> None:
    """Runs auditd with all plugins, and execs at each rate. Raises LaurelError."""
    with tempfile.TemporaryDirectory(prefix="execs-") as name:
        directory = Path(name)
        programs = directory / "bin"
        programs.mkdir(mode=0o755)
        program = programs / "true"
        shutil.copy(Path(shutil.which("true") or "/bin/true").resolve(), program)
        plugins = {}
        if peer_name:
            path = Path(peer(peer_name).program or peer_name)
            plugins[path.name] = Plugin.installed(directory / path.name, path, "")
        for count in workers:
            value = count if count.isdecimal() else f'"{count}"'
            plugins[f"workers-{count}"] = Plugin.installed(
                directory / f"workers-{count}", None, f"[pipeline]\nworkers = {value}\n"
            )
        conf = {name: plugin.conf for name, plugin in plugins.items()}
        with real_auditd(directory, f"-w {programs} -p x -k execs\n", conf) as auditd:
            wait_until(
                lambda: all(plugin.pid(auditd) for plugin in plugins.values()),
                "all plugins have started",
                START_SECONDS,
            )
            time.sleep(SETTLE_SECONDS)
            for rate in rates:
                sys.stdout.writelines(measure(plugins, auditd, program, rate, seconds))


def main() -> int:
    """Measures, and prints a line for each rate and plugin."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.execs", description=__doc__)
    add = parser.add_argument
    add("--rates", default="50,100,200,400", help="execs per second")
    add("--seconds", type=float, default=20.0, help="for each rate")
    add("--workers", default="0", help="of laurel-mp, one plugin for each")
    add("--peer", default="laurel", help="the LAUREL to compare with; empty for none")
    options = parser.parse_args()
    rates = [float(rate) for rate in options.rates.split(",")]
    workers = [count for count in options.workers.split(",") if count]
    try:
        run(rates, options.seconds, workers, options.peer)
    except LaurelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

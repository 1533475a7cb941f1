"""LAUREL's own experiment: so many execs a second under a real auditd, and what plugins use.

    python -m laurel_mp.loadtest.execs --rates 50,100,200,400 --seconds 20

All plugins that are measured get the records of the same execs from the same auditd, at the same
time: what else the machine does meets all of them alike. Needs root, and a kernel whose auditing
nobody else uses: see `laurel_mp.loadtest.auditd`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from laurel_mp.errors import LaurelError
from laurel_mp.loadtest.auditd import PluginConf, RealAuditd, install_plugin, real_auditd
from laurel_mp.loadtest.bench.candidates import equal_features, peer
from laurel_mp.loadtest.usage import cpu_seconds, title, tree

FEATURES = ("proc", "none", "default")
"""What is added from /proc: all that both sides can, nothing, or what each does by default."""

_START_SECONDS = 15.0
_SETTLE_SECONDS = 1.0  # what was read at the start, and what lingers at the end, is done by then

_SCRIPT = "#!{}\nimport runpy\nrunpy.run_module('laurel_mp', run_name='__main__')\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    rates: Sequence[float] = (50, 100, 200, 400)
    """Execs per second."""
    seconds: float = 20.0
    """For each rate."""
    workers: Sequence[str] = ("0",)
    """Of our plugins; there is one for each."""
    peer: str = "laurel"
    """Empty for none."""
    features: str = "proc"
    """One of FEATURES."""
    pipeline: str = ""
    """TOML, for the section `[pipeline]`."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a plugin used at one rate."""

    plugin: str
    rate: float
    """Execs per second that were asked for."""
    execs: int
    """Execs that came to pass."""
    events: int
    """Lines in the output: as many as execs, if nothing is under way."""
    percent: float
    """CPU of all of its processes together, of one core."""
    processes: Mapping[str, float]
    """The same of each process."""


@dataclass(frozen=True, slots=True)
class _Plugin:
    conf: PluginConf
    config: Path
    output: Path


def measure(plan: Plan) -> list[Used]:
    """Runs auditd with all plugins, and then execs at each rate. Raises LaurelError."""
    with tempfile.TemporaryDirectory(prefix="execs-") as name:
        directory = Path(name)
        programs = directory / "bin"
        programs.mkdir(mode=0o755)
        program = programs / "true"
        shutil.copy(Path(shutil.which("true") or "/bin/true").resolve(), program)
        plugins = _plugins(directory, plan)
        conf = {name: plugin.conf for name, plugin in plugins.items()}
        with real_auditd(directory, f"-w {programs} -p x -k execs\n", conf) as auditd:
            experiment = _Experiment(auditd, plugins, program)
            return [used for rate in plan.rates for used in experiment.run(rate, plan.seconds)]


def _plugins(directory: Path, plan: Plan) -> dict[str, _Plugin]:
    found = {}
    if plan.peer:
        path = Path(peer(plan.peer).program or plan.peer)
        found[path.name] = _plugin(directory / path.name, path, plan, "")
    for count in plan.workers:
        place = directory / f"workers-{count}"
        workers = count if count.isdecimal() else f'"{count}"'
        section = f"[pipeline]\nworkers = {workers}\n{plan.pipeline}\n"
        found[place.name] = _plugin(place, None, plan, section)
    return found


def _plugin(place: Path, path: Path | None, plan: Plan, section: str) -> _Plugin:
    place.mkdir()
    config = place / "config.toml"
    text = f'directory = "{place}"\n'
    if plan.features != "default":
        text = equal_features(place, proc=plan.features == "proc")
    config.write_text(text + section)
    config.chmod(0o600)
    path = path or install_plugin(place / "plugin", _SCRIPT.format(sys.executable))
    return _Plugin(PluginConf(path, args=f"-c {config}"), config, place / "audit.log")


class _Experiment:
    """Plugins that run, and a program that is audited."""

    def __init__(self, auditd: RealAuditd, plugins: Mapping[str, _Plugin], program: Path) -> None:
        self._auditd = auditd
        self._plugins = plugins
        self._program = program
        self._first = self._await_start()
        time.sleep(_SETTLE_SECONDS)

    def _await_start(self) -> dict[str, int]:
        """The first process of each plugin, when all of them have opened their outputs."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            found: dict[str, int] = {}
            for pid in tree(self._auditd.process.pid)[1:]:
                with suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                    for name, plugin in self._plugins.items():
                        if str(plugin.config) in words:
                            found.setdefault(name, pid)
            if found.keys() == self._plugins.keys() and all(
                plugin.output.exists() for plugin in self._plugins.values()
            ):
                return found
            time.sleep(0.05)
        raise LaurelError(f"the plugins have not started within {_START_SECONDS:g} s")

    def run(self, rate: float, seconds: float) -> list[Used]:
        """Execs at one rate: what each plugin used, and auditd itself."""
        pids = {name: tree(pid) for name, pid in self._first.items()}
        pids["auditd"] = [self._auditd.process.pid]
        before = {pid: cpu_seconds(pid) for each in pids.values() for pid in each}
        lines = self._lines()
        start = time.monotonic()
        execs = self._spawn(rate, seconds)
        time.sleep(_SETTLE_SECONDS)
        took = time.monotonic() - start
        after = {pid: cpu_seconds(pid) for pid in before}
        written = self._lines()
        found = []
        for name, each in pids.items():
            percent = {pid: 100 * (after[pid] - before[pid]) / took for pid in each}
            processes = {f"{title(pid)} ({pid})": used for pid, used in percent.items()}
            events = written.get(name, 0) - lines.get(name, 0)
            found.append(Used(name, rate, execs, events, sum(percent.values()), processes))
        return found

    def _spawn(self, rate: float, seconds: float) -> int:
        """By a process that is younger than the auditing: the kernel looks at no other."""
        spawner = Path(__file__).with_name("spawner.py")
        done = subprocess.run(
            [sys.executable, spawner, self._program, str(rate), str(seconds)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LaurelError(f"the programs could not be run: {done.stderr.strip()}")
        return int(done.stdout)

    def _lines(self) -> dict[str, int]:
        return {
            name: plugin.output.read_bytes().count(b"\n") for name, plugin in self._plugins.items()
        }


def main(arguments: list[str] | None = None) -> int:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.execs", description=__doc__)
    add = parser.add_argument
    add("--rates", default="50,100,200,400", help="execs per second")
    add("--seconds", type=float, default=20.0, help="for each rate")
    add("--workers", default="0", help="of our plugins, one for each")
    add("--peer", default="laurel", help="the LAUREL to compare with; empty for none")
    add("--features", choices=FEATURES, default="proc")
    add("--pipeline", default="", metavar="TOML", help="more settings of [pipeline]")
    add("--json", action="store_true")
    options = parser.parse_args(arguments)
    plan = Plan(
        [float(rate) for rate in options.rates.split(",")],
        options.seconds,
        [count for count in options.workers.split(",") if count],
        options.peer,
        options.features,
        options.pipeline,
    )
    try:
        found = measure(plan)
    except (LaurelError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json:
        sys.stdout.write(json.dumps([asdict(used) for used in found], indent=2) + "\n")
        return 0
    for used in found:
        sys.stdout.write(
            f"{used.rate:5.0f}/s {used.plugin:12} {used.percent:6.2f} %   "
            f"{used.execs} execs, {used.events} events\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""LAUREL's own experiment: so many execs a second under a real auditd, and what plugins use.

    python -m laurel_mp.loadtest.execs --rates 50,100,200,400 --seconds 20

All plugins that are measured get the records of the same execs from the same auditd, at the same
time: what else the machine does meets all of them alike. Needs root, and a kernel whose auditing
nobody else uses: see `laurel_mp.loadtest.auditd`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from laurel_mp.errors import LaurelError
from laurel_mp.loadtest.auditd import PluginConf, RealAuditd, install_plugin, real_auditd
from laurel_mp.loadtest.spawner import spawn
from laurel_mp.loadtest.usage import cpu_seconds, title, tree

_PROC = {
    "proc": ('["LD_PRELOAD", "LD_LIBRARY_PATH"]', "true"),
    "none": ("[]", "false"),
}

# LAUREL 0.5.1 knows no more than these, and ignores other keys.
_CONFIG = """\
directory = "{directory}"
[auditlog]
file = "audit.log"
size = 1000000000
generations = 1
[transform]
execve-argv = ["array"]
[translate]
universal = false
user-db = false
[enrich]
execve-env = {environment}
container = {proc}
script = {proc}
pid = true
parent-info = false
spawned-by = false
systemd = false
user-groups = false
"""

_START_SECONDS = 15.0
_SETTLE_SECONDS = 1.0  # what was read at the start is done by then


@dataclass(frozen=True, slots=True)
class Used:
    """What a plugin used at one rate."""

    plugin: str
    rate: float
    """Execs per second that were asked for."""
    execs: int
    """Execs that came to pass."""
    events: int
    """Lines in the output: at the end of all rates as many as execs."""
    percent: float
    """CPU of all of its processes together, of one core."""
    processes: dict[str, float]
    """The same of each process."""


def measure(
    rates: Sequence[float], seconds: float, workers: Sequence[str], peer: str, features: str, more: str
) -> list[Used]:
    """Runs auditd with all plugins, and then execs at each rate. Raises LaurelError."""
    with tempfile.TemporaryDirectory(prefix="execs-") as name:
        directory = Path(name)
        bin_directory = directory / "bin"
        bin_directory.mkdir(mode=0o755)
        program = bin_directory / "true"
        shutil.copy(Path(shutil.which("true") or "/bin/true").resolve(), program)
        outputs, plugins = _plugins(directory, workers, peer, features, more)
        with real_auditd(directory, f"-w {bin_directory} -p x -k execs\n", plugins) as auditd:
            roots = _started(auditd, set(plugins))
            time.sleep(_SETTLE_SECONDS)
            found = []
            for rate in rates:
                found += _measure(auditd, roots, program, rate, seconds, outputs)
            return found


def _plugins(
    directory: Path, workers: Sequence[str], peer: str, features: str, more: str
) -> tuple[dict[str, Path], dict[str, PluginConf]]:
    """The output of each plugin by its name, and what auditd is told of it."""
    outputs, plugins = {}, {}
    ours = f"#!{sys.executable}\nimport runpy\nrunpy.run_module('laurel_mp', run_name='__main__')\n"
    for name in ([peer] if peer else []) + [f"-w {count}" for count in workers]:
        key = name.replace("-w ", "workers-").rpartition("/")[2]
        place = directory / key
        place.mkdir()
        text = (
            _CONFIG.format(
                directory=place, environment=_PROC[features][0], proc=_PROC[features][1]
            )
            if features != "default"
            else f'directory = "{place}"\n'
        )
        if name != peer:
            count = name.removeprefix("-w ")
            text += f"[pipeline]\nworkers = {count if count != 'auto' else chr(34) + count + chr(34)}\n{more}\n"
        config = place / "config.toml"
        config.write_text(text)
        config.chmod(0o600)
        path = Path(shutil.which(peer) or peer) if name == peer else place / "plugin"
        if name != peer:
            install_plugin(path, ours)
        plugins[key] = PluginConf(path, args=f"-c {config}")
        outputs[key] = place / "audit.log"
    return outputs, plugins


def _started(auditd: RealAuditd, names: set[str]) -> dict[str, int]:
    """The first process of each plugin, when all of them run."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        found = {}
        for pid in tree(auditd.process.pid)[1:]:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            for name in names:
                if any(f"/{name}/config.toml" in word for word in words):
                    found.setdefault(name, pid)
        if found.keys() == names and all(_is_ready(pid) for pid in found.values()):
            return found
        time.sleep(0.05)
    raise LaurelError(f"not all plugins have started: {', '.join(sorted(names - found.keys()))}")


def _is_ready(pid: int) -> bool:
    """Whether it has run for long enough to have opened its output."""
    return any("audit.log" in os.readlink(f"/proc/{each}/fd/{fd}") for each in tree(pid) for fd in _fds(each))


def _fds(pid: int) -> list[str]:
    try:
        return [fd for fd in os.listdir(f"/proc/{pid}/fd") if os.path.islink(f"/proc/{pid}/fd/{fd}")]
    except OSError:
        return []


def _measure(
    auditd: RealAuditd,
    roots: dict[str, int],
    program: Path,
    rate: float,
    seconds: float,
    outputs: dict[str, Path],
) -> list[Used]:
    everybody = {name: tree(pid) for name, pid in roots.items()} | {"auditd": [auditd.process.pid]}
    before = {pid: cpu_seconds(pid) for pids in everybody.values() for pid in pids}
    lines = {name: _lines(path) for name, path in outputs.items()}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "laurel_mp.loadtest.spawner", program, str(rate), str(seconds)],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    time.sleep(max(start + seconds + _SETTLE_SECONDS - time.monotonic(), 0.3))
    took = time.monotonic() - start
    found = []
    for name, pids in everybody.items():
        used = {}
        for pid in pids:
            label = title(pid) if name.startswith("workers-") else name
            used[f"{label} ({pid})" if label in used else label] = (
                100 * (cpu_seconds(pid) - before[pid]) / took
            )
        found.append(
            Used(
                name,
                rate,
                int(done.stdout),
                _lines(outputs[name]) - lines[name] if name in outputs else 0,
                sum(used.values()),
                used,
            )
        )
    return found


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def main(arguments: list[str] | None = None) -> int:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.execs", description=__doc__)
    parser.add_argument("--rates", default="50,100,200,400")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", default="0,2")
    parser.add_argument("--peer", default="laurel")
    parser.add_argument("--features", choices=[*_PROC, "default"], default="proc")
    parser.add_argument("--more", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rates = [float(each) for each in options.rates.split(",")]
    workers = [each for each in options.workers.split(",") if each]
    found = measure(rates, options.seconds, workers, options.peer, options.features, options.more)
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=1))
        return 0
    for each in found:
        parts = ", ".join(f"{k} {v:.2f}" for k, v in each.processes.items())
        print(f"{each.rate:5.0f}/s {each.plugin:12} {each.percent:6.2f} %  execs {each.execs} events {each.events}  {parts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

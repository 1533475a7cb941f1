"""A real auditd with rules and plugins of our own, which leaves no rule and no daemon behind.

What auditd asks of its files, and what these settings prevent, was tried with Debian's 3.0.9.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.errors import LaurelError

# The kernel talks to one auditd only, so those of other checkouts have to wait too.
LOCK = Path("/run/lock/laurel-mp-auditd.lock")

# auditd 3.0 drops longer lines of a plugin's file, and starts it without them.
LONGEST_CONF_LINE = 158

# Before all rules: no process may stall on a full backlog, whatever our plugin does. The last two
# stay in force afterwards, where they do no harm either.
HARMLESS = "-D\n-b 65536\n--backlog_wait_time 0\n"

AUDITD_CONF = """\
local_events = yes
write_logs = yes
log_file = {log_file}
log_format = {log_format}
name_format = {name_format}
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 100
max_log_file_action = IGNORE
q_depth = {q_depth}
overflow_action = SYSLOG
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
plugin_dir = {plugin_dir}
"""


class AuditdError(LaurelError):
    """auditd or auditctl cannot be used as asked; shown by commands that run one."""


@dataclass(frozen=True)
class PluginConf:
    """A plugin as plugins.d has it. `path` must be root's own, mode 0750 or 0755."""

    path: Path
    args: str = ""
    format: str = "string"

    def text(self) -> str:
        """The file: blanks around each `=`, and a newline at the end of the last line too."""
        settings = {
            "active": "yes",
            "direction": "out",
            "path": str(self.path),
            "type": "always",
            "args": self.args,
            "format": self.format,
        }
        lines = [f"{key} = {value}" for key, value in settings.items() if value]
        for line in lines:
            if len(line) > LONGEST_CONF_LINE:
                raise ValueError(f"auditd would drop this line: {line}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class RealAuditd:
    """An auditd that runs now."""

    process: subprocess.Popen[bytes]
    log_file: Path

    def status(self) -> dict[str, int]:
        """The kernel's numbers: `lost`, `backlog`, `pid` and the others of `auditctl -s`."""
        words = [line.split() for line in _auditctl("-s").splitlines()]
        return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdigit()}

    @contextlib.contextmanager
    def limited_rate(self, records: int) -> Iterator[None]:
        """Have the kernel drop what is more than so many records a second, for a while."""
        _auditctl("-r", str(records))
        try:
            yield
        finally:
            _auditctl("-r", "0")

    def reload(self) -> None:
        """Have auditd read its configuration again; 3.0 passes the signal on to its plugins."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds: float = 10.0) -> None:
        """End auditd as its service does; its plugins see the end of their input."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def install_plugin(path: Path, script: str) -> Path:
    """Write a script with the mode that auditd asks for."""
    path.write_text(script)
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def real_auditd(
    tmp_path: Path,
    rules: str,
    plugins: Mapping[str, PluginConf],
    log_format: str = "RAW",
    name_format: str = "NONE",
    q_depth: int = 20_000,
) -> Iterator[RealAuditd]:
    """Run auditd with `rules` (lines for `auditctl -R`, kept narrow) and `plugins`.

    Inside the block auditd is connected to the kernel and the rules are in force. Let child
    processes do what is to be audited: on a machine where auditing was never on before, the kernel
    does not look at processes that were there first, and the caller is one of them. Raises
    AuditdError.
    """
    directory = tmp_path / "auditd"
    log_file = directory / "log" / "audit.log"
    plugin_dir = directory / "plugins.d"
    log_file.parent.mkdir(parents=True)
    plugin_dir.mkdir()
    _write(
        directory / "auditd.conf",
        AUDITD_CONF.format(
            log_file=log_file,
            log_format=log_format,
            name_format=name_format,
            q_depth=q_depth,
            plugin_dir=plugin_dir,
        ),
    )
    for name, plugin in plugins.items():
        _write(plugin_dir / f"{name}.conf", plugin.text())
    rule_file = directory / "audit.rules"
    _write(rule_file, HARMLESS + rules)
    with alone():
        auditd = RealAuditd(_start(directory), log_file)
        try:
            _wait(lambda: _connected(auditd), "auditd is not connected to the kernel")
            _auditctl("-R", str(rule_file))
            yield auditd
        finally:
            # Each step also if the one before it failed, and the daemon last: while rules are in
            # force and there is no listener, the kernel writes to the console.
            with contextlib.ExitStack() as steps:
                steps.callback(auditd.stop)
                steps.callback(_auditctl, "-e", "0")
                steps.callback(_auditctl, "-D")


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o640)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Waits until no other auditd runs: the kernel talks to one only."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(directory: Path) -> subprocess.Popen[bytes]:
    """Start auditd in a session of its own, so that ^C reaches the test and not the daemon."""
    return subprocess.Popen(
        [_program("auditd"), "-n", "-c", directory],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _connected(auditd: RealAuditd) -> bool:
    status = auditd.process.poll()
    if status is not None:
        raise AuditdError(f"auditd ended with status {status}: syslog says why (another auditd?)")
    return auditd.status().get("pid") == auditd.process.pid


def _auditctl(*arguments: str) -> str:
    done = subprocess.run(
        [_program("auditctl"), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AuditdError(f"auditctl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _program(name: str) -> str:
    """Path of an administrator's program, which the PATH of other users often lacks."""
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        raise AuditdError(f"{name} is not installed")
    return found


def _wait(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AuditdError(f"{what} after {seconds:g} s")
        time.sleep(0.005)

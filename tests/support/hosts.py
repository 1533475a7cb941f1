"""Hosts for `laurel-mp doctor` to look at: directory trees, and what programs said on real ones."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from laurel_mp.doctor.examination import results
from laurel_mp.doctor.external_commands import Done
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Finding, Result
from laurel_mp.doctor.host import Host, Space

DEPLOY = Path(__file__).parent.parent.parent / "deploy"

CAPTURES = Path(__file__).parent.parent / "doctor" / "captures"
"""Taken from auditd 3.0.9 with the rules of deploy/; process ids are those of the trees here."""

UNUSED = 600_000_001

USER = "_laurel-mp"

PLENTY = 1 << 40

AUDITD_CONF = """\
# What the tests take for a good one.
local_events = yes
write_logs = no
log_file = /var/log/audit/audit.log
log_format = RAW
name_format = NONE
q_depth = 20000
overflow_action = SYSLOG
max_restarts = 10
"""

AUDITD_CONF_2 = """\
local_events = yes
write_logs = no
log_format = RAW
dispatcher = /sbin/audispd
disp_qos = lossy
"""

AUDISPD_CONF = """\
q_depth = 20000
overflow_action = SYSLOG
max_restarts = 10
name_format = NONE
"""

OTHER_PLUGIN = """\
active = no
direction = out
path = /sbin/audisp-syslog
type = always
args = LOG_INFO
format = string
"""

CONFIG = f"""\
user = "{USER}"
directory = "/var/log/laurel-mp"
[auditlog]
file = "audit.log"
[state]
file = "/var/lib/laurel-mp/state"
[pipeline]
spool = "/var/lib/laurel-mp/spool"
"""

UNIT = """\
[Unit]
Description=Auditing
[Service]
ExecStart=/sbin/auditd
MemoryDenyWriteExecute=true
ProtectKernelModules=true
"""

SYSLOG = """\
Nov 28 09:00:00 vm auditd[650]: plugin /opt/laurel-mp/bin/laurel-mp has exceeded max_restarts
Nov 28 10:00:00 vm auditd[700]: audit dispatcher initialized with q_depth=20000 and 1 active plugins
Nov 28 10:00:00 vm auditd[700]: Init complete, auditd 3.0.9 listening for events
Nov 28 10:00:01 vm kernel: plugin of something else: queue is full
"""

NO_ENTRY = Done(2)
"""Answer of getent for an unknown name."""


@dataclass
class HostTree:
    """A host that can be changed before it is looked at."""

    root: Path
    audit_dir: str = "/etc/audit"
    answers: dict[str, Done] = field(default_factory=dict)
    """By command line. A program without any answer is not installed."""
    spaces: dict[str, Space] = field(default_factory=dict)
    """File systems, by where they are mounted."""

    def path(self, name: str) -> Path:
        """Path of a file of the host."""
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str | bytes, mode: int = 0o640) -> Path:
        """Make a file, and the directories on the way to it."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a text that is there."""
        text = self.path(name).read_text()
        assert old in text
        self.path(name).write_text(text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        """Add to the end of a file."""
        with self.path(name).open("a") as file:
            file.write(text)

    def make(self, name: str, mode: int = 0o755) -> None:
        """Make a directory."""
        self.path(name).mkdir(parents=True, exist_ok=True)
        self.path(name).chmod(mode)

    def remove(self, name: str) -> None:
        """Take a file or a directory away."""
        path = self.path(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    def link(self, name: str, target: str) -> None:
        """Make a symbolic link."""
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).symlink_to(target)

    def says(self, command: str, out: str = "", status: int | None = 0, **how: object) -> None:
        """Sets the output of a program from now on."""
        err = str(how.get("err", ""))
        seconds = how.get("seconds", 0.002)
        assert isinstance(seconds, int | float)
        self.answers[command] = Done(status, out, err, float(seconds))

    def says_instead(self, command: str, old: str, new: str) -> None:
        """Change a part of what a program says."""
        out = self.answers[command].out
        assert old in out
        self.says(command, out.replace(old, new))

    def process(self, pid: int, parent: int, name: str, title: str = "") -> None:
        """Add a process."""
        status = f"Name:\t{name}\nPid:\t{pid}\nPPid:\t{parent}\nCapBnd:\t000001ffffffffff\n"
        self.write(f"/proc/{pid}/status", status)
        self.write(f"/proc/{pid}/cmdline", (title or name).replace(" ", "\0") + "\0")

    def facts(self, config: str | None = None) -> Facts:
        """Facts for checks."""
        host = Host(
            root=self.root,
            run=self._run,
            root_uid=os.getuid(),
            unused_id=UNUSED,
            measure=self._measure,
        )
        return Facts(host, audit_dir=self.audit_dir, config=config)

    def results(self, check: Check) -> list[Result]:
        """Results of a check on this host."""
        return list(results(check, self.facts()))

    def findings(self, check: Check) -> list[Finding]:
        """The same without what could not be checked."""
        return [result for result in self.results(check) if isinstance(result, Finding)]

    def _run(self, words: Sequence[str]) -> Done:
        line = " ".join(words)
        if line in self.answers:
            return self.answers[line]
        if any(known.split()[0] == words[0] for known in self.answers):
            return NO_ENTRY
        raise FileNotFoundError(words[0])

    def _measure(self, path: Path) -> Space:
        name = f"/{path.relative_to(self.root)}"
        found = [mount for mount in self.spaces if Path(name).is_relative_to(mount)]
        return self.spaces[max(found, key=len)]


def auditd_3(root: Path) -> HostTree:
    """A good host with auditd 3.0.9, as Debian 12 has it."""
    return _plugins_of_auditd(root, "3.0.9", "/run/auditd.state")


def auditd_4(root: Path) -> HostTree:
    """A good host with auditd 4.1.2."""
    return _plugins_of_auditd(root, "4.1.2", "/run/audit/auditd.state")


def audit_2(root: Path) -> HostTree:
    """A good host with audit 2.8.5, which has a dispatcher."""
    host = _any(root, "2.8.5")
    host.write("/etc/audit/auditd.conf", AUDITD_CONF_2)
    host.write("/etc/audisp/audispd.conf", AUDISPD_CONF)
    host.write("/etc/audisp/plugins.d/syslog.conf", OTHER_PLUGIN)
    _copy(host, "audisp/laurel-mp.conf", "/etc/audisp/plugins.d/laurel-mp.conf")
    host.process(705, 700, "audispd", "/sbin/audispd")
    host.process(710, 705, "python3", "laurel-mp: ingest")
    return host


GOOD: dict[str, Callable[[Path], HostTree]] = {
    "audit 2": audit_2,
    "auditd 3": auditd_3,
    "auditd 4": auditd_4,
}


def _plugins_of_auditd(root: Path, version: str, state: str) -> HostTree:
    host = _any(root, version)
    host.write("/etc/audit/auditd.conf", AUDITD_CONF)
    host.write("/etc/audit/plugins.d/syslog.conf", OTHER_PLUGIN)
    _copy(host, "auditd/laurel-mp.conf", "/etc/audit/plugins.d/laurel-mp.conf")
    host.write(state, (CAPTURES / "auditd.state").read_bytes())
    host.process(710, 700, "python3", "laurel-mp: ingest")
    return host


def _any(root: Path, version: str) -> HostTree:
    host = HostTree(root / "host")  # other users cannot enter pytest's own directories
    host.spaces["/"] = Space(1, PLENTY, PLENTY, read_only=False)
    _kernel(host, version)
    _program(host)
    for rules in (DEPLOY / "rules").glob("*.rules"):
        _copy(host, f"rules/{rules.name}", f"/etc/audit/rules.d/{rules.name}")
    host.write("/usr/lib/systemd/system/auditd.service", UNIT, 0o644)
    host.make("/usr/lib/systemd/system/sockets.target.wants")
    host.make("/run/systemd/system")
    host.write("/var/log/syslog", SYSLOG)
    return host


def _kernel(host: HostTree, version: str) -> None:
    host.says("auditctl -v", f"auditctl version {version}\n")
    host.says("auditctl -s", (CAPTURES / "auditctl-s.txt").read_text())
    host.says("auditctl -l", (CAPTURES / "auditctl-l.txt").read_text())
    host.process(1, 0, "systemd", "/sbin/init")
    host.process(700, 1, "auditd", "/sbin/auditd")
    host.write("/proc/700/status", (CAPTURES / "auditd-status.txt").read_bytes())
    host.write("/proc/net/netlink", (CAPTURES / "netlink").read_bytes())
    host.write("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/vda1 audit=1\n")
    host.write("/proc/mounts", "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n")
    host.write("/proc/self/uid_map", "         0          0 4294967295\n")
    host.write("/run/auditd.pid", "700\n")


def _program(host: HostTree) -> None:
    host.write("/opt/laurel-mp/bin/laurel-mp", "#!/opt/laurel-mp/bin/python3 -I\n", 0o755)
    host.write("/usr/bin/python3.11", "", 0o755)
    host.link("/usr/bin/python3", "python3.11")
    host.link("/opt/laurel-mp/bin/python3", "/usr/bin/python3")
    host.write("/etc/laurel-mp/config.toml", CONFIG)
    host.path("/etc/laurel-mp").chmod(0o755)
    host.make("/var/log/laurel-mp", 0o755)
    host.make("/var/lib/laurel-mp", 0o700)
    # Only root can make files of other users: so the user of the tests is the program's, too.
    host.says(f"getent passwd {USER}", f"{USER}:x:{os.getuid()}:{os.getgid()}::/:/sbin/nologin\n")
    host.says(f"getent initgroups {USER}", f"{USER}               {os.getgid()}\n")
    host.answers[f"getent passwd {UNUSED}"] = NO_ENTRY
    host.answers[f"getent group {UNUSED}"] = NO_ENTRY


def _copy(host: HostTree, source: str, name: str) -> None:
    host.write(name, (DEPLOY / source).read_bytes())

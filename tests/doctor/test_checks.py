"""Each check says what is wrong on a host where it is, and nothing on a good one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from laurel_mp.doctor.catalogue import CHECKS
from laurel_mp.doctor.findings import Check, Severity
from laurel_mp.doctor.host import Space
from tests.support.hosts import CONFIG, GOOD, OTHER_PLUGIN, PLENTY, UNUSED, USER, HostTree

NOTE, WARNING, PROBLEM = Severity.NOTE, Severity.WARNING, Severity.PROBLEM

BY_NAME = {check.name: check for check in CHECKS}

Trouble = Callable[[HostTree], object]

PLUGIN = "/etc/audit/plugins.d/laurel-mp.conf"
CONF = "/etc/audit/auditd.conf"
TOML = "/etc/laurel-mp/config.toml"
PROGRAM = "/opt/laurel-mp/bin/laurel-mp"
UNIT = "/etc/systemd/system/auditd.service.d/x.conf"


def edit(name: str, old: str, new: str) -> Trouble:
    """A file with something else in it."""
    return lambda host: host.edit(name, old, new)


def status(old: str, new: str) -> Trouble:
    """A kernel that says something else of itself."""
    return lambda host: host.says_instead("auditctl -s", old, new)


def rules(old: str, new: str) -> Trouble:
    """A kernel with other rules."""
    return lambda host: host.says_instead("auditctl -l", old, new)


def rule(text: str) -> Trouble:
    """A kernel with one rule more."""
    return lambda host: host.says("auditctl -l", host.answers["auditctl -l"].out + text + "\n")


def version(text: str, *then: Trouble) -> Trouble:
    """Another version of audit, and more."""

    def change(host: HostTree) -> None:
        host.says("auditctl -v", f"auditctl version {text}\n")
        for each in then:
            each(host)

    return change


def both(*changes: Trouble) -> Trouble:
    """Several troubles at once."""

    def change(host: HostTree) -> None:
        for each in changes:
            each(host)

    return change


def config(text: str) -> Trouble:
    """A configuration with more in it; what stands at the top has to come first."""
    return lambda host: host.write(TOML, text + CONFIG)


def write(name: str, text: str, mode: int = 0o640) -> Trouble:
    """One file more."""
    return lambda host: host.write(name, text, mode)


def chmod(name: str, mode: int) -> Trouble:
    """Another mode."""
    return lambda host: host.path(name).chmod(mode)


def remove(name: str) -> Trouble:
    """A file less."""
    return lambda host: host.remove(name)


def directory(name: str) -> Trouble:
    """A directory where a file was."""
    return both(remove(name), lambda host: host.make(name))


def says(text: str) -> Trouble:
    """A line of auditd in the system's log."""
    return lambda host: host.append("/var/log/syslog", f"Nov 28 11:00:00 vm auditd[700]: {text}\n")


def plugin_of(name: str, path: str) -> Trouble:
    """Another active plugin."""
    text = OTHER_PLUGIN.replace("active = no", "active = yes").replace("/sbin/audisp-syslog", path)
    return write(f"/etc/audit/plugins.d/{name}", text)


def other_user(host: HostTree) -> None:
    """The program's user is not the owner of anything here."""
    host.says(f"getent passwd {USER}", f"{USER}:x:4242:4242::/:/bin/false\n")
    host.says(f"getent initgroups {USER}", f"{USER} 4242\n")


def free(where: str, size: int = PLENTY, inodes: int = PLENTY, *, ro: bool = False) -> Trouble:
    """A file system of its own."""

    def change(host: HostTree) -> None:
        host.spaces[where] = Space(2, size, inodes, ro)

    return change


def listener(line: str, pid: int, name: str) -> Trouble:
    """A process in the multicast group."""

    def change(host: HostTree) -> None:
        host.append("/proc/net/netlink", line)
        host.process(pid, 1, name)

    return change


def nscd(kind: str, **how: float | None) -> Trouble:
    """A user database that takes its time."""

    def change(host: HostTree) -> None:
        host.says(f"getent {kind} {UNUSED}", status=how.get("status", 2), seconds=how["seconds"])  # type: ignore[arg-type]

    return change


JOURNALD = (
    "000000005ce5907f 9   401        00000001 0        0        0     2        0        1550\n"
)

TOO_LONG = f"args = -c /etc/{'x' * 160}/config.toml"

TROUBLES: list[tuple[str, str, Trouble, Severity, str]] = [
    # --- the plugin's file
    ("plugin-file", "none", remove(PLUGIN), PROBLEM, "no plugin file"),
    ("plugin-file", "left out", lambda h: h.path(PLUGIN).rename(h.path(PLUGIN + ".off")), PROBLEM,
     "laurel-mp.conf.off"),
    ("plugin-file", "no socket plugin", both(remove(PLUGIN), config('input = "unix:/run/s"\n')),
     PROBLEM, "no plugin file"),
    ("plugin-active", "no", edit(PLUGIN, "active = yes", "active = no"), PROBLEM, "active = no"),
    ("plugin-active", "socket", both(remove(PLUGIN), config('input = "unix:/run/s"\n'),
     write("/etc/audit/plugins.d/af_unix.conf",
           "active = no\npath = builtin_af_unix\ntype = builtin\n")), PROBLEM, "active = no"),
    ("plugin-syntax", "no blanks", edit(PLUGIN, "active = yes", "active=yes"), PROBLEM, "blank"),
    ("plugin-syntax", "tabs", edit(PLUGIN, "active = yes", "active\t=\tyes"), PROBLEM, "a tab"),
    ("plugin-syntax", "comment", edit(PLUGIN, "active = yes", "active = yes # on"), PROBLEM,
     "comment"),
    ("plugin-syntax", "keyword", edit(PLUGIN, "direction = out", "directory = out"), PROBLEM,
     "no such keyword"),
    ("plugin-syntax", "value", edit(PLUGIN, "active = yes", "active = true"), PROBLEM, "yes or no"),
    ("plugin-syntax", "no value", edit(PLUGIN, "active = yes", "active ="), PROBLEM, "no value"),
    ("plugin-syntax", "short", edit(PLUGIN, "path = /opt/laurel-mp/bin", "path = /x"), PROBLEM,
     "four characters"),
    ("plugin-syntax", "relative", edit(PLUGIN, "path = /opt/laurel-mp/bin/", "path = "), PROBLEM,
     "four characters"),
    ("plugin-syntax", "windows", edit(PLUGIN, "\n", "\r\n"), PROBLEM, "Windows"),
    ("plugin-line-length", "no line feed", edit(PLUGIN, "format = string\n", "format = string"),
     PROBLEM, "no line feed"),
    ("plugin-line-length", "long", edit(PLUGIN, "args = -c /etc/laurel-mp/config.toml", TOO_LONG),
     PROBLEM, "158 characters"),
    ("plugin-line-length", "very long", version("4.1.3", edit(
        PLUGIN, "args = -c /etc/laurel-mp/config.toml", TOO_LONG.replace("x", "xxxx"))), PROBLEM,
     "510 characters"),
    ("plugin-args", "three", edit(PLUGIN, "args = -c", "args = --dry-run -c"), PROBLEM, "3 words"),
    ("plugin-args", "quotes", edit(PLUGIN, "/etc/laurel-mp/config.toml", '"/etc/x.toml"'), PROBLEM,
     "passes quotes"),
    ("plugin-args", "a comment", version("4.1.2", edit(
        PLUGIN, "config.toml", "config.toml # the usual")), PROBLEM, "quotes and comments"),
    ("plugin-file-mode", "world", chmod(PLUGIN, 0o646), PROBLEM, "everybody can write it"),
    ("plugin-file-mode", "group", version("4.2.1", chmod(PLUGIN, 0o660)), PROBLEM, "its group"),
    ("plugin-file", "directory", directory(PLUGIN), PROBLEM,
     "no plugin file"),
    ("plugin-values", "binary", edit(PLUGIN, "format = string", "format = binary"), PROBLEM,
     "format = binary"),
    ("plugin-values", "path", edit(PLUGIN, "path = /opt", "# /opt"), PROBLEM, "there is no path"),
    ("plugin-backups", "tilde", plugin_of("laurel-mp.conf~", PROGRAM), WARNING, "laurel-mp.conf~"),
    ("plugin-backups", "no dot", version("4.1.2", plugin_of("old", "/sbin/x")), WARNING, "old"),
    # --- the program, and others
    ("plugin-program", "missing", remove(PROGRAM), PROBLEM, "is not there"),
    ("plugin-program", "mode", chmod(PROGRAM, 0o700), PROBLEM, "has to contain 0750"),
    ("plugin-program", "mode 4", version("4.1.2", chmod(PROGRAM, 0o540)), PROBLEM, "contain 0550"),
    ("plugin-program", "directory", directory(PROGRAM), PROBLEM,
     "not a regular file"),
    ("plugin-program", "writable", chmod(PROGRAM, 0o775), PROBLEM, "can become root"),
    ("plugin-program", "writable 4.2", version("4.2.1", chmod(PROGRAM, 0o775)), PROBLEM,
     "refuses to start"),
    ("plugin-interpreter", "gone", remove("/usr/bin/python3.11"), PROBLEM, "auditd.pid"),
    ("plugin-interpreter", "gone 4.2", version("4.2.1", remove("/usr/bin/python3.11")), PROBLEM,
     "never again"),
    ("plugin-interpreter", "env", write(PROGRAM, "#!/usr/bin/env python3\n", 0o755), PROBLEM,
     "empty environment"),
    ("plugin-twice", "two", plugin_of("laurel.conf", PROGRAM), PROBLEM, "laurel-mp.conf"),
    ("plugin-laurel", "both", plugin_of("laurel.conf", "/usr/sbin/laurel"), WARNING, "LAUREL"),
    ("plugin-others", "remote", plugin_of("au-remote.conf", "/sbin/audisp-remote"), NOTE,
     "sends to another host"),
    ("plugin-others", "unknown", plugin_of("x.conf", "/opt/x/agent"), NOTE, "/opt/x/agent"),
    # --- our configuration
    ("config-valid", "missing", remove(TOML), PROBLEM, "is not there"),
    ("config-valid", "key", config("direktory = 1\n"), PROBLEM, "did you mean directory"),
    ("config-valid", "no TOML", config("= \n"), PROBLEM, "not valid TOML"),
    ("config-valid", "writable", chmod(TOML, 0o666), PROBLEM, "can write it"),
    ("config-user", "none", edit(TOML, f'user = "{USER}"', ""), NOTE, "not set"),
    ("config-user", "unknown", edit(TOML, USER, "nosuch"), PROBLEM, "no such user"),
    ("config-user", "an option", edit(TOML, USER, "--help"), PROBLEM, "no such user"),
    ("config-directory", "relative", edit(TOML, '"/var/log/laurel-mp"', '"logs"'), PROBLEM,
     "root directory"),
    ("config-readers", "user", edit(TOML, "[state]", 'read-users = ["splunk"]\n[state]'), PROBLEM,
     "no user 'splunk'"),
    ("config-readers", "group", edit(TOML, "[state]", 'read-groups = ["siem"]\n[state]'), PROBLEM,
     "no group 'siem'"),
    ("config-shared", "one file", lambda h: h.append(
        TOML, '[debug]\nlog = { file = "audit.log" }\n'), PROBLEM,
     ": /var/log/laurel-mp/audit.log: is the file of two outputs"),
    ("config-rotation", "size", edit(TOML, "[state]", "size = 0\n[state]"), WARNING, "size = 0"),
    ("config-rotation", "generations", edit(TOML, "[state]", "generations = 0\n[state]"), WARNING,
     "generations = 0"),
    ("config-dump", "no log", lambda h: h.append(TOML, "[debug]\ndump-state-period = 5\n"), NOTE,
     "no [debug.log]"),
    ("config-programs", "missing", edit(TOML, '"audit.log"', '"| /opt/x/send -a"'), PROBLEM,
     "missing, or not"),
    ("config-programs", "mode", both(edit(TOML, '"audit.log"', '"| /opt/x/send -a"'),
     write("/opt/x/send", "", 0o644)), PROBLEM, "not executable"),
    ("config-sockets", "output", edit(TOML, '"audit.log"', '"unix:/run/s"'), WARNING, "no such"),
    ("config-sockets", "input", config('input = "unix:/run/s"\n'), WARNING, "af_unix"),
    # --- directories and files
    ("places-reachable", "closed", both(other_user, chmod("/var/lib", 0o700)), PROBLEM, "/var/lib"),
    ("places-present", "state", edit(TOML, "/var/lib/laurel-mp/state", "/srv/x/state"), PROBLEM,
     "/srv/x is not there"),
    ("places-present", "logs", edit(TOML, '"/var/log/laurel-mp"', '"/srv/x/y"'), PROBLEM,
     "/srv/x/y is not there"),
    ("places-writable", "owner", other_user, PROBLEM, "/var/log/laurel-mp"),
    ("places-trusted", "group", chmod("/var/log/laurel-mp", 0o775), PROBLEM, "can write it"),
    ("places-files", "root's", both(other_user, write("/var/log/laurel-mp/audit.log", "")), PROBLEM,
     "belongs to another user"),
    ("places-files", "state", both(other_user, chmod("/var/lib/laurel-mp", 0o755),
     write("/var/lib/laurel-mp/state", "")), PROBLEM, "[state] file"),
    # --- disks
    ("space-free", "full", free("/var/log", 1 << 20), PROBLEM, "1 MiB and room for files"),
    ("space-free", "inodes", free("/var/lib", inodes=3), PROBLEM, "room for 3 files"),
    ("space-free", "no auditd", both(free("/var/lib", 1 << 20), remove(CONF)), PROBLEM, "[state]"),
    ("space-free", "read-only", free("/var/lib", ro=True), PROBLEM, "read-only"),
    ("space-free", "auditd's", both(edit(CONF, "write_logs = no", "write_logs = yes"),
     lambda h: h.make("/var/log/audit"), free("/var/log/audit", 1 << 20)), PROBLEM,
     "log_file of auditd"),
    ("space-rotation", "spool", free("/var/lib", 512 << 20), WARNING, "spool-bytes: 1024 MiB"),
    ("space-rotation", "logs", both(free("/var/log", 300 << 20),
     edit(TOML, "[state]", "generations = 99\n[state]")), WARNING, "1000 MiB"),
    # --- what runs, and what has happened
    ("auditd-installed", "no", lambda h: [h.answers.pop(f"auditctl -{each}") for each in "vsl"],
     PROBLEM, "is not installed"),
    ("auditd-running", "no", status("pid 700", "pid 0"), PROBLEM, "service auditd start"),
    ("auditd-running", "pid file", remove("/run/auditd.pid"), WARNING, "700"),
    ("plugin-running", "no", remove("/proc/710"), PROBLEM, "no child"),
    ("service-running", "no", both(config('input = "unix:/run/s"\n'), remove("/proc/710")), PROBLEM,
     "systemctl enable"),
    ("plugin-restarts", "once", says(f"plugin {PROGRAM} terminated unexpectedly"), WARNING,
     "(1 of 10)"),
    ("plugin-restarts", "given up", says(f"plugin {PROGRAM} has exceeded max_restarts"), PROBLEM,
     "exceeded"),
    ("plugin-refused", "skipped", says("Skipping laurel-mp.conf plugin due to errors"), PROBLEM,
     "laurel-mp.conf"),
    ("plugin-refused", "long", says(f"Skipping line 5 in {PLUGIN}: too long"), PROBLEM, "line 5"),
    ("queue-overflow", "full", says("queue to plugins is full - dropping event"), WARNING, "full"),
    ("queue-overflow", "suspended", says(
        "Auditd is suspending event passing to plugins due to overflowing its queue."), WARNING,
     "suspending"),
    ("auditd-state", "overflow", edit("/run/auditd.state", "overflow detected = no",
     "overflow detected = yes"), WARNING, "overflow detected = yes (11/28/26"),
    ("auditd-state", "suspended", edit("/run/auditd.state", "queueing suspended = no",
     "queueing suspended = yes"), PROBLEM, "USR2"),
    ("auditd-state", "nearly", edit("/run/auditd.state", "depth used = 153", "depth used = 19000"),
     WARNING, "q_depth = 80000"),
    # --- auditd.conf
    ("auditd-conf", "form", edit(CONF, "write_logs = no", "write_logs=no"), PROBLEM, ":3"),
    ("auditd-conf", "windows", edit(CONF, "\n", "\r\n"), PROBLEM, "carriage return"),
    ("auditd-queue", "small", edit(CONF, "q_depth = 20000", "q_depth = 2000"), WARNING, ":7"),
    ("auditd-queue", "3.0", edit(CONF, "q_depth = 20000\n", ""), WARNING, "1200 holds"),
    ("auditd-queue", "4", version("4.1.2", edit(CONF, "q_depth = 20000\n", "")), WARNING,
     "2000 holds"),
    ("auditd-overflow", "suspend", edit(CONF, "= SYSLOG", "= SUSPEND"), PROBLEM, "SIGUSR2"),
    ("auditd-overflow", "halt", edit(CONF, "= SYSLOG", "= halt"), PROBLEM, "halts the host"),
    ("auditd-overflow", "ignore", edit(CONF, "= SYSLOG", "= IGNORE"), WARNING, "without a message"),
    ("auditd-write-logs", "yes", edit(CONF, "write_logs = no", "write_logs = yes"), NOTE, "twice"),
    ("auditd-write-logs", "unset", edit(CONF, "write_logs = no\n", ""), NOTE, "yes holds"),
    ("auditd-cut-lines", "4.2.0", version("4.2"), PROBLEM, "last 16 bytes"),
    ("auditd-cut-lines", "4.2.1", version("4.2.1"), PROBLEM, "last 16 bytes"),
    ("auditd-enriched", "both", both(edit(CONF, "= RAW", "= ENRICHED"), edit(
        TOML, "[state]", "[translate]\nuniversal = true\nuser-db = true\n[state]")), NOTE,
     "half of its CPU"),
    ("auditd-max-restarts", "0", edit(CONF, "max_restarts = 10", "max_restarts = 0"), WARNING,
     "max_restarts = 0"),
    ("auditd-nodes", "no names", lambda h: h.append(
        CONF, "tcp_listen_port = 60\ndistribute_network = yes\n"), WARNING, "node="),
    ("auditd-nodes", "kept", lambda h: h.append(CONF, "tcp_listen_port = 60\n"), NOTE,
     "does not pass them"),
    ("auditd-local-events", "no", edit(CONF, "local_events = yes", "local_events = no"), WARNING,
     "other hosts"),
    # --- the kernel
    ("kernel-enabled", "off", status("enabled 1", "enabled 0"), PROBLEM, "auditctl -e 1"),
    ("kernel-enabled", "at boot", edit("/proc/cmdline", "audit=1", "audit=0"), PROBLEM, "reboot"),
    ("kernel-locked", "2", status("enabled 1", "enabled 2"), NOTE, "next boot"),
    ("kernel-boot", "missing", edit("/proc/cmdline", " audit=1", ""), NOTE, "not even counted"),
    ("kernel-backlog", "64", status("limit 65536", "limit 64"), WARNING, "backlog_limit 64"),
    ("kernel-wait-time", "default", status("wait_time 0", "wait_time 15000"), WARNING, "60 s"),
    ("kernel-wait-time", "waited", both(status("wait_time 0", "wait_time 15000"),
     status("time_actual 0", "time_actual 99")), WARNING, "waited 99 ticks"),
    ("kernel-failure", "panic", status("failure 1", "failure 2"), PROBLEM, "panics"),
    ("kernel-failure", "silent", status("failure 1", "failure 0"), WARNING, "does not log losses"),
    ("kernel-rate", "limit", status("rate_limit 0", "rate_limit 30"), PROBLEM, "30 records"),
    ("kernel-lost", "lost", status("lost 0", "lost 286"), WARNING, "286"),
    ("kernel-behind", "full", status("backlog 0", "backlog 60000"), PROBLEM, "60000 of 65536"),
    # --- rules
    ("rules-none", "none", lambda h: h.says("auditctl -l", "No rules\n"), PROBLEM, "no rules"),
    ("rules-excluded", "EOE", rule("-a always,exclude -F msgtype=EOE"), PROBLEM, "No EOE records"),
    ("rules-excluded", "number", rule("-a always,exclude -F msgtype=1327"), PROBLEM, "PROCTITLE"),
    ("rules-excluded", "range", rule("-a always,exclude -F msgtype>=1300 -F msgtype<=1309"),
     PROBLEM, "SYSCALL"),
    ("rules-excluded", "some", rule("-a always,exclude -F msgtype=PROCTITLE -F uid=54321"), WARNING,
     "of some processes"),
    ("rules-excluded", "paths", rule("-a always,exclude -F msgtype=PATH"), WARNING, "No PATH"),
    ("rules-programs", "none", rules("execve,execveat", "openat"), PROBLEM, "no rule for execve"),
    ("rules-programs", "failed", rules("success=1", "success=0"), PROBLEM, "no rule for execve"),
    ("rules-programs", "users", rules("-F success=1", "-F auid>=1000 -F auid!=-1"), WARNING,
     "some processes only"),
    ("rules-programs", "32", rules("arch=b32 -S execve,", "arch=b32 -S chdir,"), NOTE, "arch=b32"),
    ("rules-programs", "never", lambda h: h.says("auditctl -l", "-a never,exit -S all\n"
     + h.answers["auditctl -l"].out), PROBLEM, "no rule for execve"),
    ("rules-excluded", "its file", both(rule("-a always,exclude -F msgtype=EOE"), write(
        "/etc/audit/rules.d/x.rules", "-D\n-a always,exclude  -F msgtype=EOE\n")), PROBLEM,
     "/etc/audit/rules.d/x.rules:2"),
    ("rules-excluded", "no file", both(rule("-a always,exclude -F msgtype=EOE"), lambda h: h.link(
        "/etc/audit/rules.d/0.rules", "0.rules")), PROBLEM, "auditctl -l:"),
    ("rules-never-task", "all", rule("-a never,task"), PROBLEM, "-a never,task"),
    ("rules-never-task", "some", rule("-a never,task -F auid=54321"), WARNING, "auid=54321"),
    # --- listeners, names, rights
    ("journald-at-boot", "wanted", write("/usr/lib/systemd/system/sockets.target.wants/"
     "systemd-journald-audit.socket", ""), WARNING, "systemctl mask"),
    ("listeners", "journald", listener(JOURNALD, 401, "systemd-journal"), WARNING, "process 401"),
    ("listeners", "another", listener(JOURNALD, 401, "python3"), NOTE, "python3 listens"),
    ("names-speed", "slow user", nscd("passwd", seconds=2.5), WARNING, "took 2.5 s"),
    ("names-speed", "hanging group", nscd("group", status=None, seconds=5.0), WARNING,
     "within 5 s"),
    ("names-speed", "no auditd", both(nscd("passwd", seconds=2.5), remove(CONF)), WARNING,
     "took 2.5 s"),
    ("names-speed", "auditd", both(nscd("passwd", seconds=2.5), edit(CONF, "= RAW", "= ENRICHED")),
     PROBLEM, "ENRICHED"),
    ("rights-capabilities", "ptrace", edit("/proc/700/status", "CapBnd:\t000001fffeffffff",
     "CapBnd:\t000001fffef7ffff"), PROBLEM, "CAP_SYS_PTRACE"),
    ("rights-capabilities", "none", edit("/proc/700/status", "CapBnd:\t000001fffeffffff",
     "CapBnd:\t0000000000000000"), PROBLEM, "CAP_SETUID"),
    ("rights-container", "docker", both(write("/.dockerenv", ""), lambda h: h.says(
        "auditctl -s", status=255, err="Error sending status request (Operation not permitted)")),
     WARNING, "container"),
    ("rights-container", "users", both(edit("/proc/self/uid_map", "0          0", "0   100000"),
     lambda h: h.says("auditctl -s", status=255, err="Operation not permitted")), PROBLEM,
     "user namespace"),
    ("rights-proc", "subset", edit("/proc/mounts", "relatime", "subset=pid"), WARNING, "subset"),
    ("rights-proc", "hidepid", both(edit("/proc/mounts", "relatime", "hidepid=invisible"), edit(
        "/proc/700/status", "CapBnd:\t000001fffeffffff", "CapBnd:\t000001fffef7ffff")), WARNING,
     "hidepid=invisible"),
    ("rights-sandbox", "strict", write(UNIT, "[Service]\nProtectSystem=strict\n"), PROBLEM,
     "ReadWritePaths=/var/log/laurel-mp"),
    ("rights-sandbox", "half", write(UNIT, "[Service]\nProtectSystem=strict\nReadWritePaths=/srv\n"
     "ReadWritePaths=-/var/log\n"), PROBLEM, "ReadWritePaths=/var/lib/laurel-mp"),
    ("rights-sandbox", "proc", write(UNIT, "[Service]\nProcSubset=pid\n"), WARNING, "ProcSubset"),
    ("rights-sandbox", "home", write(UNIT, "[Service]\nProtectHome=yes\n"), NOTE, "/home"),
]  # fmt: skip


@pytest.mark.parametrize("layout", GOOD)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_good_host_is_no_news(check: Check, layout: str, tmp_path: Path) -> None:
    """No check has anything to say of a host that is set up as the documentation says."""
    assert GOOD[layout](tmp_path).results(check) == []


@pytest.mark.parametrize(
    ("name", "change", "severity", "text"),
    [(name, change, severity, text) for name, _, change, severity, text in TROUBLES],
    ids=[f"{name}-{what}" for name, what, *_ in TROUBLES],
)
def test_trouble_is_found(
    name: str, change: Trouble, severity: Severity, text: str, tmp_path: Path
) -> None:
    """The check finds it, says how bad it is, and what to do."""
    host = GOOD["auditd 3"](tmp_path)
    change(host)

    found = host.findings(BY_NAME[name])

    assert [severity] == [finding.severity for finding in found[:1]]
    shown = [": ".join((each.where, each.seen, each.why, *each.do)) for each in found]
    assert text in " ".join(shown)
    assert all(finding.where and finding.why.endswith(".") and finding.do for finding in found)


AUDIT_2 = [
    ("auditd-dispatcher", edit(CONF, "dispatcher = /sbin/audispd\n", ""), PROBLEM, "audispd"),
    ("auditd-dispatcher", edit(CONF, "lossy", "lossless"), WARNING, "blocks"),
    ("auditd-queue", edit("/etc/audisp/audispd.conf", "20000", "80"), WARNING, "audispd.conf:1"),
    ("auditd-queue", edit("/etc/audisp/audispd.conf", "q_depth = 20000\n", ""), WARNING,
     "80 holds"),
    ("auditd-overflow", edit("/etc/audisp/audispd.conf", "SYSLOG", "single"), PROBLEM, "single"),
    ("plugin-args", edit("/etc/audisp/plugins.d/laurel-mp.conf", "args = -c", "args = -d -c"),
     PROBLEM, "3 words"),
    ("plugin-running", remove("/proc/710"), PROBLEM, "no child"),
    ("queue-overflow", lambda h: h.append("/var/log/syslog",
     "Nov 28 11:00:00 vm audispd: x\nNov 28 vm audispd[705]: queue is full - dropping event\n"),
     WARNING, "full"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "severity", "text"), AUDIT_2)
def test_trouble_with_audit_2(
    name: str, change: Trouble, severity: Severity, text: str, tmp_path: Path
) -> None:
    """With the dispatcher of audit 2, its files are looked at."""
    host = GOOD["audit 2"](tmp_path)
    change(host)

    found = host.findings(BY_NAME[name])

    assert [severity] == [finding.severity for finding in found[:1]]
    assert text in " ".join(" ".join((each.where, each.seen, each.why, *each.do)) for each in found)


def test_each_check_is_shown_to_work() -> None:
    """None is without a host that triggers it."""
    shown = {name for name, *_ in TROUBLES} | {name for name, *_ in AUDIT_2}

    assert {check.name for check in CHECKS} == shown


def test_names_are_those_of_one_check() -> None:
    """A name says which check it was."""
    assert len(CHECKS) == len(BY_NAME)


QUIET: list[tuple[str, str, Trouble]] = [
    ("plugin-args", "many", version("4.0.1", edit(PLUGIN, "args = -c", "args = --dry-run -c"))),
    ("plugin-line-length", "4.1.3", version("4.1.3", edit(
        PLUGIN, "args = -c /etc/laurel-mp/config.toml", TOO_LONG))),
    ("plugin-file-mode", "group", chmod(PLUGIN, 0o660)),
    ("plugin-backups", "4.0.3", version("4.0.3", plugin_of("laurel-mp.conf~", PROGRAM))),
    ("plugin-twice", "hidden", plugin_of(".laurel-mp.conf.swp", PROGRAM)),
    ("plugin-twice", "inactive", both(plugin_of("x.conf", PROGRAM), edit(
        "/etc/audit/plugins.d/x.conf", "= yes", "= no"))),
    ("plugin-program", "0550", version("4.0.4", chmod(PROGRAM, 0o550))),
    ("plugin-interpreter", "binary", write(PROGRAM, "\x7fELF", 0o755)),
    ("auditd-cut-lines", "node", version("4.2.1", edit(CONF, "= NONE", "= HOSTNAME"))),
    ("auditd-cut-lines", "enriched", version("4.2.1", edit(CONF, "= RAW", "= ENRICHED"))),
    ("auditd-cut-lines", "fixed", version("4.2.2")),
    ("auditd-nodes", "named", both(edit(CONF, "= NONE", "= HOSTNAME"), lambda h: h.append(
        CONF, "tcp_listen_port = 60\ndistribute_network = yes\n"))),
    ("journald-at-boot", "masked", both(
        write("/usr/lib/systemd/system/sockets.target.wants/systemd-journald-audit.socket", ""),
        lambda h: h.link("/etc/systemd/system/systemd-journald-audit.socket", "/dev/null"))),
    ("journald-at-boot", "already", both(
        write("/usr/lib/systemd/system/sockets.target.wants/systemd-journald-audit.socket", ""),
        listener(JOURNALD, 401, "systemd-journal"))),
    ("journald-at-boot", "no systemd", both(
        write("/usr/lib/systemd/system/sockets.target.wants/systemd-journald-audit.socket", ""),
        remove("/run/systemd"))),
    ("service-running", "yes", config('input = "unix:/run/s"\n')),
    ("rules-programs", "none at all", lambda h: h.says("auditctl -l", "No rules\n")),
    ("listeners", "nonsense", lambda h: h.append("/proc/net/netlink", "x 9 1 zz\nx 9\n\n")),
    ("rules-excluded", "never", rule(
        "-a never,exclude -F msgtype=EOE\n-a always,exclude -F msgtype=EOE")),
    ("rules-excluded", "others", rule("-a always,exclude -F msgtype>=AVC -F msgtype<=1410")),
    ("rules-excluded", "negated", rule("-a always,exclude -F msgtype!=EOE -F msgtype<1000")),
    ("rights-container", "works", write("/.dockerenv", "")),
    ("rights-proc", "traced", edit("/proc/mounts", "relatime", "hidepid=2")),
    ("rights-sandbox", "open", write(UNIT, "[Service]\nProtectSystem=strict\n"
                                     "ReadWritePaths=/var\n")),
    ("rights-sandbox", "reset", write(UNIT, "[Service]\nProtectSystem=strict\n[Service]\n"
                                      "ProtectSystem=\n")),
    ("config-sockets", "abstract", edit(TOML, '"audit.log"', '"unix:@x"')),
    ("config-programs", "by PATH", edit(TOML, '"audit.log"', '"| send -a"')),
    ("space-rotation", "used", both(free("/var/lib", 1 << 20), lambda h: os.truncate(
        h.write("/var/lib/laurel-mp/spool/1", ""), 1 << 30))),
    ("plugin-restarts", "former auditd", lambda h: h.append(
        "/var/log/syslog", f"Nov 28 vm auditd[650]: plugin {PROGRAM} terminated unexpectedly\n")),
    ("kernel-boot", "off at boot", edit("/proc/cmdline", "audit=1", "audit=0")),
    ("rules-none", "odd", rule("-a\n-a nonsense\n-a always,never -F\n-F x")),
    ("rights-proc", "not needed", both(edit("/proc/mounts", "relatime", "hidepid=2"), lambda h:
     h.append(TOML, "[enrich]\n" + "".join(f"{name} = false\n" for name in (
         "pid", "parent-info", "spawned-by", "script")) + "execve-env = []\n"))),
    ("rights-proc", "auditd is off", both(edit("/proc/mounts", "relatime", "hidepid=2"),
     status("pid 700", "pid 0"))),
    ("rights-sandbox", "no unit", remove("/usr/lib/systemd/system/auditd.service")),
    ("places-present", "none", edit(TOML, '"/var/lib/laurel-mp/spool"', '""')),
    ("places-trusted", "missing", remove("/var/log/laurel-mp")),
    ("space-rotation", "pipes", edit(TOML, '"audit.log"', '"| send -a"')),
    ("space-rotation", "odd", both(lambda h: h.remove("/var/lib/laurel-mp"), lambda h: h.link(
        "/var/lib/laurel-mp", "laurel-mp"), edit(TOML, '"/var/lib/laurel-mp/spool"', '""'))),
    ("plugin-program", "no path", edit(PLUGIN, "path = /opt", "# /opt")),
    ("plugin-interpreter", "no path", edit(PLUGIN, "path = /opt", "# /opt")),
    ("plugin-restarts", "restarted", says(f"plugin {PROGRAM} was restarted")),
    ("plugin-running", "auditd is off", both(remove("/proc/710"), status("pid 700", "pid 0"))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change"),
    [(name, change) for name, _, change in QUIET],
    ids=[f"{name}-{what}" for name, what, _ in QUIET],
)
def test_what_looks_like_trouble(name: str, change: Trouble, tmp_path: Path) -> None:
    """A value that is harmless with this version, or with another setting, is no finding."""
    host = GOOD["auditd 3"](tmp_path)
    change(host)

    assert host.findings(BY_NAME[name]) == []

"""Checks of the rights, namespaces and sandbox that laurel-mp is started with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from laurel_mp.doctor import running_process
from laurel_mp.doctor.configured_outputs import directories
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, note, problem, warning
from laurel_mp.doctor.host import UnknownError
from laurel_mp.doctor.systemd_units import UNIT_OF_AUDITD, Unit, read_unit
from laurel_mp.doctor.untrusted_numbers import bits
from laurel_mp.system import privileges

# <linux/capability.h>
_SETGID, _SETUID = 6, 7

_CONTAINERS = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")

_WHOLE = ("0", "0", "4294967295")
"""/proc/PID/uid_map in the first user namespace."""


def _capabilities(facts: Facts) -> Iterator[Result]:
    pid = facts.auditd_pid
    if not pid:
        raise UnknownError("auditd does not run: the rights of its plugins are unknown")
    held = bits(running_process.fields(facts.host, pid).get("CapBnd", ""))
    wanted = {each.value: f"CAP_{each.name}" for each in privileges.needed(facts.config)}
    if facts.config.user is not None:
        wanted |= {_SETUID: "CAP_SETUID", _SETGID: "CAP_SETGID"}
    missing = [name for number, name in sorted(wanted.items()) if not held >> number & 1]
    if missing:
        yield problem(
            f"/proc/{pid}/status: CapBnd",
            f"auditd cannot pass on {', '.join(missing)}",
            "laurel-mp cannot become its user without the first two, and without the others it "
            "cannot look into processes: PID, SCRIPT, environment and hashes stay empty.",
            f"systemctl edit {UNIT_OF_AUDITD}   # CapabilityBoundingSet= with these",
            "systemctl daemon-reload && service auditd restart",
        )


def _container(facts: Facts) -> Iterator[Result]:
    if _is_audited(facts):
        return
    mapping = (facts.host.text("/proc/self/uid_map") or "").split()
    if mapping and tuple(mapping) != _WHOLE:
        yield problem(
            "/proc/self/uid_map",
            " ".join(mapping[:9]),
            "This is a user namespace: the kernel has auditing for the first one only.",
            "run auditd and laurel-mp on the host",
        )
        return
    for name in _CONTAINERS:
        if facts.host.status(name) is not None:
            yield warning(
                name,
                "this is a container",
                "The kernel knows one auditd, in the host's first namespaces; and process ids in "
                "records are those of the host, so /proc here shows other processes.",
                "run auditd and laurel-mp on the host",
            )
            return


def _is_audited(facts: Facts) -> bool:
    """Returns True if the kernel answers, which it does only in its initial namespaces.

    Raises UnknownError for users whom it never answers.
    """
    try:
        return bool(facts.status)
    except UnknownError as error:
        if "must be root" in str(error):
            raise
        return False


def _proc(facts: Facts) -> Iterator[Result]:
    text = facts.host.text("/proc/mounts")
    if text is None:
        raise UnknownError("/proc/mounts: is not there")
    for line in text.split("\n"):
        words = line.split(" ")
        if len(words) < 4 or words[1] != "/proc":
            continue
        hidden = [
            option
            for option in words[3].split(",")
            if option.startswith("hidepid=") and option not in {"hidepid=0", "hidepid=off"}
        ]
        if hidden and not _may_trace(facts):
            yield warning(
                "/proc/mounts",
                f"/proc is mounted with {hidden[0]}",
                "Without CAP_SYS_PTRACE laurel-mp sees no process but its own: PID, PARENT_INFO "
                "and SPAWNED_BY know only what the stream has shown.",
                "mount -o remount,hidepid=0 /proc   # or give it the capability",
            )
        if "subset=pid" in words[3].split(","):
            yield warning(
                "/proc/mounts",
                "/proc is mounted with subset=pid",
                "laurel-mp cannot tell boots apart, and may restore the process table of an "
                "earlier one.",
                "mount /proc without subset=pid",
            )


def _may_trace(facts: Facts) -> bool:
    """Returns True if laurel-mp has CAP_SYS_PTRACE, or if that is unknown."""
    if privileges.Capability.SYS_PTRACE not in privileges.needed(facts.config):
        return True  # it looks at none
    try:
        held = bits(running_process.fields(facts.host, facts.auditd_pid).get("CapBnd", ""))
    except UnknownError:
        return True
    return bool(held >> privileges.Capability.SYS_PTRACE & 1)


def _sandbox(facts: Facts) -> Iterator[Result]:
    unit = read_unit(facts.host, UNIT_OF_AUDITD)
    if unit is None:
        return
    edit = f"systemctl edit {UNIT_OF_AUDITD}"
    closed = _closed(facts, unit)
    if closed:
        yield problem(
            unit.where("ProtectSystem"),
            f"ProtectSystem=strict, and {closed} is not in ReadWritePaths",
            "Plugins run in the sandbox of auditd's unit: the directory is read-only for "
            "laurel-mp.",
            f"{edit}   # ReadWritePaths={closed}",
            "systemctl daemon-reload && service auditd restart",
        )
    if unit.value("ProcSubset") == "pid" or unit.value("PrivateUsers") in {"yes", "true"}:
        key = "ProcSubset" if unit.value("ProcSubset") == "pid" else "PrivateUsers"
        yield warning(
            unit.where(key),
            f"{key}={unit.value(key)}",
            "Plugins run in the sandbox of auditd's unit: laurel-mp cannot see the processes and "
            "users of the host.",
            f"{edit}   # {key}={'all' if key == 'ProcSubset' else 'no'}",
            "systemctl daemon-reload && service auditd restart",
        )
    if unit.value("ProtectHome") in {"yes", "true", "tmpfs"} and _reads_programs(facts):
        yield note(
            unit.where("ProtectHome"),
            f"ProtectHome={unit.value('ProtectHome')}",
            "Programs and scripts below /home and /root cannot be looked at: no SCRIPT, no "
            "EXE_HASH for them.",
            f"{edit}   # ProtectHome=read-only",
        )


def _closed(facts: Facts, unit: Unit) -> str:
    """Returns a directory of laurel-mp that is read-only for plugins; empty if there is none."""
    if unit.value("ProtectSystem") != "strict":
        return ""
    opened = [PurePosixPath(word.lstrip("-+")) for word in unit.words("ReadWritePaths")]
    opened += [PurePosixPath("/var/log", word) for word in unit.words("LogsDirectory")]
    opened += [PurePosixPath("/var/lib", word) for word in unit.words("StateDirectory")]
    opened += [PurePosixPath("/run", word) for word in unit.words("RuntimeDirectory")]
    for name in directories(facts.config, facts.directory):
        path = Path(name)
        if not any(path.is_relative_to(each) for each in opened):
            return name
    return ""


def _reads_programs(facts: Facts) -> bool:
    return facts.config.enrich.script or facts.config.enrich.exe_hash


CHECKS = (
    Check(
        "rights-capabilities",
        "auditd can pass on the capabilities that the configuration needs",
        _capabilities,
    ),
    Check("rights-container", "this is not a container", _container),
    Check("rights-proc", "`/proc` shows all processes (no `hidepid`, no `subset=pid`)", _proc),
    Check("rights-sandbox", "the sandbox of auditd's unit lets a plugin work", _sandbox),
)

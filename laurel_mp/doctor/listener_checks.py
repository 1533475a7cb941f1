"""Checks of other listeners to the kernel's audit records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, note, warning
from laurel_mp.doctor.host import UnknownError
from laurel_mp.doctor.untrusted_numbers import bits, whole

_NETLINK = "/proc/net/netlink"

_AUDIT = "9"
"""NETLINK_AUDIT [linux/netlink.h]."""

_READLOG = 1
"""The bit of the multicast group of records [linux/audit.h]."""

_UNIT = "systemd-journald-audit.socket"

_BOOTED = "/run/systemd/system"
"""Is there if systemd runs the host [sd_booted(3)]."""

_WANTS = "sockets.target.wants"

_UNITS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)

_MASK = (f"systemctl mask --now {_UNIT}", "systemctl restart systemd-journald")

_COST = (
    "journald reads and stores each record a second time: at 1600 programs a second, a fifth of a "
    "CPU (measured)."
)


def _journald(facts: Facts) -> Iterator[Result]:
    """Checks journald after the next boot; the check below is about the present."""
    host = facts.host
    if host.status(_BOOTED) is None:
        return
    if any(process.name == "systemd-journal" for process in _listening(facts)):
        return
    for directory in _UNITS:
        if _is_masked(facts, directory):
            return
        if _UNIT in host.names(f"{directory}/{_WANTS}"):
            yield warning(
                f"{directory}/{_WANTS}/{_UNIT}",
                "journald is set to listen to audit records from the next boot on",
                _COST,
                *_MASK,
            )
            return


def _is_masked(facts: Facts, directory: str) -> bool:
    try:
        path = facts.host.root / f"{directory}/{_UNIT}".lstrip("/")
        return str(path.readlink()) == "/dev/null"
    except OSError:
        return False


def _others(facts: Facts) -> Iterator[Result]:
    for process in _listening(facts):
        is_journald = process.name == "systemd-journal"
        make = warning if is_journald else note
        yield make(
            f"{_NETLINK}, process {process.pid}",
            f"{process.name or 'a process'} listens to audit records",
            _COST
            if is_journald
            else "The kernel copies each record for it, and it sees all that auditd sees.",
            *(_MASK if is_journald else (f"find out what it is: ps -fp {process.pid}",)),
        )


class _Listener(NamedTuple):
    pid: int
    name: str
    """Empty if unknown: the id of a netlink socket need not be a process id."""


def _listening(facts: Facts) -> list[_Listener]:
    """Returns the processes in the multicast group, except auditd."""
    text = facts.host.text(_NETLINK)
    if text is None:
        raise UnknownError(f"{_NETLINK}: is not there")
    found = []
    names = {process.pid: process.name for process in facts.processes}
    for line in text.split("\n")[1:]:
        words = line.split()
        if len(words) < 4 or words[1] != _AUDIT or not bits(words[3]) & _READLOG:
            continue
        pid = whole(words[2])
        if pid != facts.auditd_pid:
            found.append(_Listener(pid, names.get(pid, "")))
    return found


CHECKS = (
    Check(
        "journald-at-boot",
        "journald will not listen to audit records after the next boot",
        _journald,
    ),
    Check("listeners", "only auditd listens to audit records", _others),
)

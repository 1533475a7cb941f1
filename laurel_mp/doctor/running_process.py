"""Processes of a host, from /proc."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_mp.doctor.host import Host, UnknownError
from laurel_mp.doctor.untrusted_numbers import whole


@dataclass(frozen=True, slots=True)
class Process:
    """One that runs."""

    pid: int
    parent: int
    name: str
    title: str
    """Its command line, words joined by blanks."""


def processes(host: Host) -> list[Process]:
    """All that can be seen; those that end meanwhile are left out."""
    found = []
    for name in host.names("/proc"):
        pid = whole(name)
        if pid and (process := _process(host, pid)):
            found.append(process)
    return found


def fields(host: Host, pid: int) -> dict[str, str]:
    """The lines of /proc/PID/status by name. Raises UnknownError if there is no such process."""
    text = host.text(f"/proc/{pid}/status")
    if text is None:
        raise UnknownError(f"/proc/{pid}: has ended")
    pairs = (line.partition(":") for line in text.split("\n"))
    return {name: value.strip() for name, _, value in pairs}


def _process(host: Host, pid: int) -> Process | None:
    try:
        status = fields(host, pid)
        title = host.text(f"/proc/{pid}/cmdline") or ""
    except UnknownError:
        return None
    return Process(
        pid,
        whole(status.get("PPid", "")),
        status.get("Name", ""),
        " ".join(title.rstrip("\0").split("\0")),
    )

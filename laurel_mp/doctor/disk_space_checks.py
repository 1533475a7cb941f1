"""Checks of file systems: free space, and room for all that is configured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from laurel_mp.doctor.configured_outputs import directories, outputs
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, problem, warning
from laurel_mp.doctor.host import Space, UnknownError

LEAST = 256 << 20
"""Bytes that should be free: minutes of a busy host."""

LEAST_FILES = 1000

_MIB = 1 << 20


def _free(facts: Facts) -> Iterator[Result]:
    for space, places in _file_systems(facts).items():
        name = next(iter(places))
        purposes = ", ".join(places.values())
        if space.read_only:
            yield problem(
                name,
                f"its file system is read-only ({purposes})",
                "Outputs there are stalled: input fills the backlog until auditd drops records.",
                "mount -o remount,rw it, after a look into the kernel's log for why",
            )
        elif space.free < LEAST or space.inodes < LEAST_FILES:
            yield problem(
                name,
                f"{space.free // _MIB} MiB and room for {_files(space)} ({purposes})",
                "When it is full, outputs stall; when spool and backlog are full, too, auditd "
                "drops "
                "records.",
                "make room, or put it on a file system of its own",
            )


def _file_systems(facts: Facts) -> dict[Space, dict[str, str]]:
    """Returns the file systems for output, with their directories and the purpose of each."""
    found: dict[int, tuple[Space, dict[str, str]]] = {}
    for name, purpose in _all_places(facts).items():
        space = facts.host.space(name)
        found.setdefault(space.device, (space, {}))[1][name] = purpose
    return dict(found.values())


def _files(space: Space) -> str:
    return f"{space.inodes} files" if space.inodes < LEAST_FILES else "files"


def _rotation(facts: Facts) -> Iterator[Result]:
    """Space in use already counts towards the maximum."""
    needs: dict[int, list[str]] = defaultdict(list)
    total: dict[int, int] = defaultdict(int)
    spaces: dict[int, Space] = {}
    for purpose, name, most, used in _demands(facts):
        space = facts.host.space(name)
        spaces[space.device] = space
        needs[space.device].append(f"{purpose}: {most // _MIB} MiB")
        total[space.device] += max(most - used, 0)
    for device, still in total.items():
        free = spaces[device].free
        if still > free:
            yield warning(
                facts.config_file.name or facts.directory,
                f"{free // _MIB} MiB are free; {', '.join(needs[device])}",
                f"Logs and spool can grow by {still // _MIB} MiB: the file system is full "
                "before old "
                "files are removed.",
                "fewer generations, a smaller size or spool-bytes, or a larger file system",
            )


def _demands(facts: Facts) -> Iterator[tuple[str, str, int, int]]:
    """Yields purpose, file, maximum of bytes, bytes in use."""
    config = facts.config
    for output in outputs(config):
        if output.is_file:
            name = facts.below_directory(output.name)
            yield (
                f"[{output.section}] size * (generations + 1)",
                name,
                output.most,
                _used(facts, name),
            )
    if config.pipeline.spool:
        name = facts.below_directory(config.pipeline.spool)
        yield "[pipeline] spool-bytes", name, config.pipeline.spool_bytes, _below(facts, name)


def _used(facts: Facts, name: str) -> int:
    """Bytes of a log file and its former generations."""
    path = Path(name)
    try:
        names = [each for each in facts.host.names(path.parent) if each.startswith(path.name)]
        found = [facts.host.status(path.parent / each) for each in names]
    except UnknownError:
        return 0
    return sum(status.st_size for status in found if status is not None)


def _below(facts: Facts, directory: str) -> int:
    try:
        names = facts.host.names(directory)
        found = [facts.host.status(f"{directory}/{each}") for each in names]
    except UnknownError:
        return 0
    return sum(status.st_size for status in found if status is not None)


def _all_places(facts: Facts) -> dict[str, str]:
    found = directories(facts.config, facts.directory)
    if facts.config.pipeline.spool:
        spool = facts.below_directory(facts.config.pipeline.spool)
        found.setdefault(spool, "[pipeline] spool")
    try:
        file = facts.auditd_conf
    except UnknownError:
        return found
    if file.get("write_logs", "yes") == "yes":
        log = file.values.get("log_file", "/var/log/audit/audit.log")
        found.setdefault(str(Path(log).parent), "log_file of auditd")
    return found


CHECKS = (
    Check("space-free", f"{LEAST // _MIB} MiB are free on all file systems for output", _free),
    Check("space-rotation", "all generations of all logs and a full spool fit", _rotation),
)

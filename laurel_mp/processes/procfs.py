"""Reads processes from /proc, see proc(5). Any read can fail, also for lack of rights."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

from laurel_mp.processes import cgroups, environment
from laurel_mp.processes.environment import VariableFilter, Variables

MAX_TEXT = 1 << 16
"""Bytes of a file that the kernel composes. Only `status` comes near: it lists all groups."""

ATTEMPTS = 3
"""Attempts to read a process that executes other programs meanwhile."""

MAX_CGROUPS = 1024
"""Cached texts of cgroups: many processes share one."""

_CHUNK = 1 << 16
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC

_boot_time = re.compile(rb"^btime (\d+)$", re.MULTILINE).search
_is_init = re.compile(rb"^NSpid:.*\t1$", re.MULTILINE).search


class Status(NamedTuple):
    """Facts from /proc/PID/stat."""

    ppid: bytes
    comm: bytes
    start_ticks: int
    """Start time in clock ticks since the boot; with the pid, it identifies the process."""


class Snapshot(NamedTuple):
    """Facts about a process for the process table. Process ids are decimal digits."""

    pid: bytes
    ppid: bytes
    """`0` for processes that the kernel has started."""
    comm: bytes
    exe: bytes | None
    """As in audit records; None for kernel threads and zombies."""
    start_time: bytes
    """`SECONDS.MILLIS` since 1970, see Procfs.start_time()."""
    start_ticks: int
    container: bytes | None
    services: tuple[bytes, ...]
    is_init: bool
    """True if orphans of its pid namespace become its children."""


class LiveProcess:
    """Reads one process, even if its pid is used again.

    A descriptor of /proc/PID belongs to the process, not to the number: after the process has
    ended, all reads through it fail [kernel: get_proc_task() in fs/proc/]. So several reads are
    about one process, without comparing start times. An exec between them is noticed by reading
    `exe` first and last.
    """

    __slots__ = ("_fd", "pid")

    def __init__(self, pid: bytes, fd: int) -> None:
        self.pid = pid
        self._fd = fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def status(self) -> Status | None:
        """Returns parent, name and start time."""
        text = self._read("stat", MAX_TEXT)
        if text is None:
            return None
        # The name is in parentheses, and may contain some; nothing behind it does.
        before, _, after = text.rpartition(b") ")
        fields = after.split(b" ", 20)
        if len(fields) < 20:
            return None
        return Status(fields[1], before.partition(b"(")[2], int(fields[19]))

    def exe(self) -> bytes | None:
        """Returns the path of the executable, as in audit records.

        That of a removed file ends in ` (deleted)`, in /proc as in audit records: both are d_path()
        of the file. But in audit records it is relative to the root directory of the process
        [kernel: audit_log_d_path()], and in /proc to ours.
        """
        try:
            name = os.readlink(b"exe", dir_fd=self._fd)
            root = os.readlink(b"root", dir_fd=self._fd)
        except OSError:
            return None
        return name.removeprefix(root) if name.startswith(root + b"/") else name

    def exe_status(self) -> os.stat_result | None:
        """Returns stat(2) of the executable, even if it was renamed or removed."""
        try:
            return os.stat("exe", dir_fd=self._fd)
        except OSError:
            return None

    def open_exe(self) -> int | None:
        """Returns a descriptor to read the executable; the caller has to close it."""
        return self._open("exe")

    def cgroup(self) -> bytes | None:
        """Returns the text for `laurel_mp.processes.cgroups`."""
        return self._read("cgroup", MAX_TEXT)

    def pid_namespace(self) -> bytes | None:
        """Returns an identifier of its pid namespace."""
        try:
            return os.readlink(b"ns/pid", dir_fd=self._fd)
        except OSError:
            return None

    def is_init(self) -> bool:
        """True if it is pid 1 of its pid namespace, which may be that of a container.

        `NSpid` has its pid in each namespace, the innermost last (since Linux 4.1).
        """
        text = self._read("status", MAX_TEXT)
        return text is not None and _is_init(text) is not None

    def environ(self) -> bytes | None:
        """Returns the initial environment of its program, as NUL-terminated strings."""
        return self._read("environ", environment.MAX_TEXT)

    def cmdline(self, limit: int) -> bytes | None:
        """Returns the first `limit` bytes of its command line, as NUL-terminated strings.

        Unlike the arguments in an EXECVE record, the process can change it.
        """
        return self._read("cmdline", limit)

    def _open(self, name: str) -> int | None:
        try:
            return os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._fd)
        except OSError:
            return None

    def _read(self, name: str, limit: int) -> bytes | None:
        fd = self._open(name)
        if fd is None:
            return None
        try:
            # One read returns all of it, if it fits. Longer texts are read in pieces, because a
            # buffer for the longest costs more than most texts.
            text = os.read(fd, min(limit, _CHUNK))
            if len(text) < _CHUNK:
                return text
            pieces = [text]
            size = len(text)
            while size < limit and (piece := os.read(fd, min(limit - size, _CHUNK))):
                pieces.append(piece)
                size += len(piece)
            return b"".join(pieces)
        except OSError:
            return None
        finally:
            os.close(fd)


class ProcfsStatistics(NamedTuple):
    """Counts of processes that were read."""

    opened: int
    """Processes that existed."""
    gone: int
    """Processes that did not exist, or ended while they were read."""
    restless: int
    """Processes that executed programs faster than they could be read."""


class Procfs:
    """Reads the processes of this host. Not for offline use: it depends on more than the input."""

    def __init__(self, root: str = "/proc") -> None:
        self._root = os.fsencode(root)
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._boot_time: int | None = None
        self._namespace: bytes | None = None
        """Our own pid namespace; empty if it cannot be read."""
        self._by_cgroup: dict[bytes, tuple[bytes | None, tuple[bytes, ...]]] = {}
        self._opened = 0
        self._gone = 0
        self._restless = 0

    def open(self, pid: bytes) -> LiveProcess | None:
        """Opens a process, for use in a `with` block; None if it does not exist."""
        # Pids come from records, which may have any content.
        if pid.isdigit():
            try:
                fd = os.open(b"%b/%b" % (self._root, pid), _DIRECTORY)
            except OSError:
                pass
            else:
                self._opened += 1
                return LiveProcess(pid, fd)
        self._gone += 1
        return None

    def snapshot(self, pid: bytes) -> Snapshot | None:
        """Returns all facts about a process, with no exec in between; None if that fails."""
        live = self.open(pid)
        if live is None:
            return None
        with live:
            return self.snapshot_of(live)

    def snapshot_of(self, live: LiveProcess) -> Snapshot | None:
        """Returns `snapshot` for an open process."""
        for _ in range(ATTEMPTS):
            exe = live.exe()
            status = live.status()
            if status is None:
                self._gone += 1
                return None
            container, services = self._container_and_services(live.cgroup() or b"")
            snapshot = Snapshot(
                live.pid,
                status.ppid,
                status.comm,
                exe,
                self.start_time(status.start_ticks),
                status.start_ticks,
                container,
                services,
                self._is_init(live),
            )
            if live.exe() == exe:
                return snapshot
        self._restless += 1
        return None

    def processes(self) -> Iterator[Snapshot]:
        """Yields all processes, each behind its parent."""
        try:
            with os.scandir(self._root) as entries:
                pids = [entry.name for entry in entries if entry.name.isdigit()]
        except OSError:
            return
        found = {pid: snapshot for pid in pids if (snapshot := self.snapshot(pid)) is not None}
        # In the order of parents, not of start times: these are equal within a tick.
        while found:
            line = []
            descendant = found.pop(next(iter(found)), None)
            while descendant is not None:
                line.append(descendant)
                descendant = found.pop(descendant.ppid, None)
            yield from reversed(line)

    def variables(self, pid: bytes, exe: bytes, wanted: VariableFilter) -> Variables | None:
        """Returns the wanted environment variables of a process; None unless it runs `exe`."""
        live = self.open(pid)
        if live is None:
            return None
        with live:
            if live.exe() != exe:
                return None
            text = live.environ()
            if text is None or live.exe() != exe:
                return None
        return wanted.pick(text)

    def start_time(self, ticks: int) -> bytes:
        """Converts clock ticks since the boot to `SECONDS.MILLIS` since 1970, as `ps -o lstart`.

        A tick is 10 ms, and /proc has the time of the boot in whole seconds. So the result is up to
        a second early, by the same amount for all processes. The time of the boot is read once, so
        that start times stay the same when the clock is set; after a restart they may differ.
        """
        if self._boot_time is None:
            self._boot_time = self._read_boot_time()
        seconds, rest = divmod(ticks, self._ticks_per_second)
        return b"%d.%03d" % (self._boot_time + seconds, rest * 1000 // self._ticks_per_second)

    def statistics(self) -> ProcfsStatistics:
        """Returns counts since the start."""
        return ProcfsStatistics(self._opened, self._gone, self._restless)

    def _container_and_services(self, cgroup: bytes) -> tuple[bytes | None, tuple[bytes, ...]]:
        """Returns container and services."""
        found = self._by_cgroup.get(cgroup)
        if found is None:
            found = cgroups.container_id(cgroup), tuple(cgroups.services(cgroup))
            if len(self._by_cgroup) >= MAX_CGROUPS:
                self._by_cgroup.clear()
            self._by_cgroup[cgroup] = found
        return found

    def _is_init(self, live: LiveProcess) -> bool:
        # `status` takes 17 us, this 1 us, and it is sufficient for processes outside of containers.
        if self._namespace is None:
            try:
                own = self._root + b"/self/ns/pid"
                self._namespace = os.readlink(own)  # noqa: PTH115 - the root is bytes
            except OSError:
                self._namespace = b""
        if live.pid_namespace() == self._namespace:
            return live.pid == b"1"
        return live.is_init()

    def _read_boot_time(self) -> int:
        try:
            with open(self._root + b"/stat", "rb") as file:  # noqa: PTH123 - the root is bytes
                found = _boot_time(file.read())
        except OSError:
            return 0
        return int(found[1]) if found else 0

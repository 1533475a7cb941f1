"""Processes as /proc shows them: proc(5). Whatever is read may be gone, or not for us to see."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

from laurel_mp.processes import cgroups, environment
from laurel_mp.processes.environment import VariableFilter, Variables

MAX_TEXT = 1 << 16
"""Bytes of a file of the kernel's own making. Only `status` comes near: it lists all groups."""

ATTEMPTS = 3
"""How often a process may start another program while we look, before we give up on it."""

MAX_CGROUPS = 1024
"""Texts of cgroups whose meaning is remembered: many processes share one."""

_CHUNK = 1 << 16
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC

_boot_time = re.compile(rb"^btime (\d+)$", re.MULTILINE).search
_is_init = re.compile(rb"^NSpid:.*\t1$", re.MULTILINE).search


class Status(NamedTuple):
    """What holds for the whole life of a process, and `comm`."""

    ppid: bytes
    comm: bytes
    start_ticks: int
    """When it was started, in clock ticks since the system was: with the pid, who it is."""


class Snapshot(NamedTuple):
    """What the process table wants to know of a process. Process ids are decimal digits."""

    pid: bytes
    ppid: bytes
    """`0` for those that the kernel itself has started."""
    comm: bytes
    exe: bytes | None
    """As an audit record has it; None for kernel threads and zombies."""
    start_time: bytes
    """`SECONDS.MILLIS` since 1970, see Procfs.start_time()."""
    start_ticks: int
    container: bytes | None
    services: tuple[bytes, ...]
    is_init: bool
    """Whether orphans of its pid namespace become its children."""


class LiveProcess:
    """One process, which stays the same one even if its pid is given to another.

    A descriptor of /proc/PID belongs to the process, not to the number: when the process has
    ended, all that is read through it fails [kernel: get_proc_task() in fs/proc/]. So what is read
    here in several steps is about one process, without comparing start times before and
    after. What an exec changes has to be compared: read `exe` first and last.
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
        """Parent, name and start time."""
        text = self._read("stat", MAX_TEXT)
        if text is None:
            return None
        # The name is in parentheses and may hold some itself; nothing behind it does.
        before, _, after = text.rpartition(b") ")
        fields = after.split(b" ", 20)
        if len(fields) < 20:
            return None
        return Status(fields[1], before.partition(b"(")[2], int(fields[19]))

    def exe(self) -> bytes | None:
        """The name of its executable, as an audit record has it.

        That of a file that is gone ends in ` (deleted)`, here and there: both are d_path() of the
        same file. But the audit record names it as seen from the root directory of the process
        [kernel: audit_log_d_path()], and /proc as seen from ours.
        """
        try:
            name = os.readlink(b"exe", dir_fd=self._fd)
            root = os.readlink(b"root", dir_fd=self._fd)
        except OSError:
            return None
        return name.removeprefix(root) if name.startswith(root + b"/") else name

    def exe_status(self) -> os.stat_result | None:
        """Of the executable itself, whatever it is called now: device, inode and so on."""
        try:
            return os.stat("exe", dir_fd=self._fd)
        except OSError:
            return None

    def open_exe(self) -> int | None:
        """A descriptor to read the executable, which the caller closes."""
        return self._open("exe")

    def cgroup(self) -> bytes | None:
        """The text for laurel_mp.processes.cgroups."""
        return self._read("cgroup", MAX_TEXT)

    def pid_namespace(self) -> bytes | None:
        """Something that is the same for all processes of its pid namespace."""
        try:
            return os.readlink(b"ns/pid", dir_fd=self._fd)
        except OSError:
            return None

    def is_init(self) -> bool:
        """Whether it is pid 1 of its pid namespace, which may be that of a container.

        `NSpid` has its pid in each namespace, the innermost last (since Linux 4.1).
        """
        text = self._read("status", MAX_TEXT)
        return text is not None and _is_init(text) is not None

    def environ(self) -> bytes | None:
        """The environment that its program was started with, as NUL-terminated strings."""
        return self._read("environ", environment.MAX_TEXT)

    def cmdline(self, limit: int) -> bytes | None:
        """The first `limit` bytes of its command line, as NUL-terminated strings.

        Unlike what an EXECVE record says, this is what the process wants to be seen.
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
            # One read gives all of it, if it fits. Large texts come in pieces, because a buffer
            # for the longest costs more than most of them.
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
    """What Procfs has been asked for."""

    opened: int
    """Processes that were there."""
    gone: int
    """Processes that were not there, or ended while they were looked at."""
    restless: int
    """Processes that started programs faster than they could be looked at."""


class Procfs:
    """The processes of this host. Live only: what it says is no function of the audit stream."""

    def __init__(self, root: str = "/proc") -> None:
        self._root = os.fsencode(root)
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._boot_time: int | None = None
        self._namespace: bytes | None = None
        """Our own pid namespace; empty if it cannot be known."""
        self._places: dict[bytes, tuple[bytes | None, tuple[bytes, ...]]] = {}
        self._opened = 0
        self._gone = 0
        self._restless = 0

    def open(self, pid: bytes) -> LiveProcess | None:
        """A process, to be used in a `with` block."""
        # Pids come out of records that anybody may have written.
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
        """All about a process, at one moment: no exec came in between."""
        live = self.open(pid)
        if live is None:
            return None
        with live:
            return self.snapshot_of(live)

    def snapshot_of(self, live: LiveProcess) -> Snapshot | None:
        """The same for a process that is open."""
        for _ in range(ATTEMPTS):
            exe = live.exe()
            status = live.status()
            if status is None:
                self._gone += 1
                return None
            container, services = self._place(live.cgroup() or b"")
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
        """All processes, each behind its parent."""
        try:
            with os.scandir(self._root) as entries:
                pids = [entry.name for entry in entries if entry.name.isdigit()]
        except OSError:
            return
        found = {pid: snapshot for pid in pids if (snapshot := self.snapshot(pid)) is not None}
        # By parent, not by start time: that is the same for all that start within a tick.
        while found:
            line = []
            descendant = found.pop(next(iter(found)), None)
            while descendant is not None:
                line.append(descendant)
                descendant = found.pop(descendant.ppid, None)
            yield from reversed(line)

    def variables(self, pid: bytes, exe: bytes, wanted: VariableFilter) -> Variables | None:
        """The wanted environment variables of a process, provided that it still runs `exe`."""
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
        """Clock ticks since the boot as `SECONDS.MILLIS` since 1970, as `ps -o lstart` shows them.

        A tick is 10 ms, and the kernel gives the time of the boot in whole seconds, so this is up
        to a second early, by the same amount for all processes. It is read once, so that a
        process keeps its start time when somebody sets the clock; after a restart it may differ.
        """
        if self._boot_time is None:
            self._boot_time = self._read_boot_time()
        seconds, rest = divmod(ticks, self._ticks_per_second)
        return b"%d.%03d" % (self._boot_time + seconds, rest * 1000 // self._ticks_per_second)

    def statistics(self) -> ProcfsStatistics:
        """Counts since the start."""
        return ProcfsStatistics(self._opened, self._gone, self._restless)

    def _place(self, cgroup: bytes) -> tuple[bytes | None, tuple[bytes, ...]]:
        """Container and services."""
        place = self._places.get(cgroup)
        if place is None:
            place = cgroups.container_id(cgroup), tuple(cgroups.services(cgroup))
            if len(self._places) >= MAX_CGROUPS:
                self._places.clear()
            self._places[cgroup] = place
        return place

    def _is_init(self, live: LiveProcess) -> bool:
        # `status` costs 17 us, this 1 us, and it is the answer for all outside of containers.
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

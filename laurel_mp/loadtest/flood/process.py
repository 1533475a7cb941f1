"""Models a process, and the knowledge that a consumer of the stream can have of it."""

from __future__ import annotations

from laurel_mp.loadtest.flood import truth_configuration
from laurel_mp.loadtest.flood.record_text import UNSET, encoded, user
from laurel_mp.loadtest.flood.truth_configuration import Labels

NOTHING: Labels = frozenset()
MAX_ANCESTORS = 64


class Process:
    """A process, from its fork to its end.

    Attributes from `shown` on are known from the records so far, by the rules of
    docs/log-format.md, to a consumer that mistakes no pid.
    """

    __slots__ = (
        "ancestors",
        "at",
        "auid",
        "caller",
        "children",
        "comm",
        "cwd",
        "depth",
        "exe",
        "heap",
        "is_blocked",
        "is_busy",
        "is_lasting",
        "is_reaper",
        "labels",
        "libraries",
        "names",
        "origin",
        "parent",
        "pid",
        "ses",
        "shown",
        "shown_as_parent",
        "shown_ppid",
        "stack",
        "title",
        "tty",
        "uid",
    )  # fmt: skip

    def __init__(self, pid: int, parent: Process | None) -> None:
        self.pid = pid
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        self.children: dict[Process, None] = {}
        self.is_lasting = False
        self.is_reaper = parent is None
        """True for a sub-reaper: orphans below it become its children."""
        self.is_busy = False
        """True while an event of it is open."""
        self.is_blocked = False
        """True during a system call that has not returned."""
        self.at = 0
        """Index in the list that it is in."""
        self.exe = self.comm = self.title = self.cwd = ""
        self.heap = self.stack = self.libraries = ""
        """Addresses in hexadecimal digits, without the last ones."""
        self.auid = self.ses = UNSET
        self.uid = 0
        self.tty = "(none)"
        self.caller = self.names = ""
        """A SYSCALL record from `ppid=` to the value of `key=`, and its translations; empty if
        something has changed since they were written."""
        self.shown = ""
        """Id of the first event of this program; empty if there was none."""
        self.shown_ppid = 0
        self.ancestors: tuple[int, ...] = ()
        self.labels = NOTHING
        self.origin = "null"
        self.shown_as_parent = ""
        """`origin` is SPAWNED_BY, `shown_as_parent` PARENT_INFO of children; both are JSON."""
        if parent is not None:
            parent.children[self] = None
            self.exe, self.comm, self.title, self.cwd = (
                parent.exe, parent.comm, parent.title, parent.cwd,
            )  # fmt: skip
            self.heap, self.stack, self.libraries = parent.heap, parent.stack, parent.libraries
            self.auid, self.ses, self.uid, self.tty = (
                parent.auid, parent.ses, parent.uid, parent.tty,
            )  # fmt: skip

    @property
    def ppid(self) -> int:
        """Pid of its parent; 0 for the first process."""
        return self.parent.pid if self.parent else 0

    def write(self, *, enriched: bool) -> None:
        """Renders its part of SYSCALL records."""
        user_id, ses = self.uid, self.ses
        self.caller = (
            f" ppid={self.ppid} pid={self.pid} auid={self.auid} uid={user_id} gid={user_id}"
            f" euid={user_id} suid={user_id} fsuid={user_id} egid={user_id} sgid={user_id}"
            f" fsgid={user_id} tty={self.tty} ses={ses} comm={encoded(self.comm)}"
            f" exe={encoded(self.exe)} key="
        )
        if enriched:
            name = user(user_id)
            self.names = (
                f" AUID={user(self.auid)} UID={name} GID={name} EUID={name} SUID={name}"
                f" FSUID={name} EGID={name} SGID={name} FSGID={name}"
            )

    # --- what the stream tells

    def show(self, event: str, keys: tuple[str, ...]) -> None:
        """Notes a SYSCALL record other than an exec; `keys` are those of the rule."""
        if not self.shown:
            parent = self._shown_parent()
            self._start(event, parent)
            if parent is None or parent.exe != self.exe:
                self.labels |= truth_configuration.by_executable(self.exe)
        elif self.shown_ppid != self.ppid:
            self.shown_ppid = self.ppid
            self.shown_as_parent = ""
        if keys:
            self.labels |= truth_configuration.by_keys(keys)

    def show_exec(self, event: str, keys: tuple[str, ...], exe: str, comm: str) -> None:
        """Notes a successful exec."""
        self._start(event, self if self.shown else self._shown_parent())
        self.exe, self.comm = exe, comm
        self.labels |= truth_configuration.by_executable(exe) | truth_configuration.by_keys(keys)

    def _shown_parent(self) -> Process | None:
        return self.parent if self.parent and self.parent.shown else None

    def _start(self, event: str, origin: Process | None) -> None:
        """Notes the first event of a program; `origin` is this process before, or its parent."""
        self.origin = "null"
        labels = NOTHING
        if origin is not None:
            self.origin = (
                f'{{"EVENT_ID":"{origin.shown}","pid":{origin.pid},"comm":"{origin.comm}",'
                f'"exe":"{origin.exe}"}}'
            )
            if origin.pid != 1:  # the first process passes nothing on
                labels = truth_configuration.inherited(origin.labels)
        self.labels = labels
        parent = self._shown_parent()
        self.ancestors = (
            (parent.pid, *parent.ancestors[: MAX_ANCESTORS - 1]) if parent is not None else ()
        )
        self.shown = event
        self.shown_ppid = self.ppid
        self.shown_as_parent = ""

    def parent_info(self) -> str:
        """Returns PARENT_INFO as the stream shows it, in JSON."""
        parent = self._shown_parent()
        if parent is None:
            return "null"
        if not parent.shown_as_parent:
            parent.shown_as_parent = (
                f'{{"ID":"{parent.shown}","comm":"{parent.comm}","exe":"{parent.exe}",'
                f'"ppid":{parent.shown_ppid}}}'
            )
        return parent.shown_as_parent

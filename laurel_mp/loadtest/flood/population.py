"""Keeps the processes of a flood, and chooses those that fork, execute and end."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random

from laurel_mp.loadtest.flood.flood_options import Tree
from laurel_mp.loadtest.flood.process import Process
from laurel_mp.loadtest.flood.programs import (
    EXECUTED,
    EXECUTED_WEIGHTS,
    FIRST,
    LASTING,
    Program,
)
from laurel_mp.loadtest.flood.record_text import proctitle

FIRST_REUSED_PID = 300
"""Lower pids are not assigned again [kernel: RESERVED_PIDS]."""

MAX_PID = 1 << 15
LARGE_MAX_PID = 1 << 22
"""The kernel's limits: its own default, and what systemd sets."""

_MANY = MAX_PID // 4
_TRIES = 30

_WORKERS = 8
_WORKERS_SHARE = 0.9
"""Share of calls on files made by a few processes, as in tests/corpus/builds.raw.txt.xz."""


class Population:
    """All living processes: lasting and passing ones.

    With `shows_ends` false no record shows an end, and an event does not show whether its pid was
    assigned again: pids are then drawn from so many that none is assigned twice.
    """

    def __init__(self, tree: Tree, random: Random, *, shows_ends: bool) -> None:
        self._tree = tree
        self._random = random
        small = shows_ends and tree.processes < _MANY
        self._max_pid = MAX_PID if small else LARGE_MAX_PID
        self._last_pid = 0
        self._by_pid: dict[int, Process] = {}
        self.lasting: list[Process] = []
        self.passing: list[Process] = []
        """Passing processes that have executed a program."""
        self.young: deque[Process] = deque()
        """Passing processes that have not executed a program yet."""
        number = tree.processes // 2
        self.least, self.most = number * 3 // 4, number * 5 // 4
        """Bounds for the number of passing processes."""
        self.most_young = number // 8
        self.first = Process(self._next_pid(), None)
        self._add_lasting(self.first, FIRST)
        self._last_pid = FIRST_REUSED_PID
        for index in range(tree.processes - number - 1):
            process = self._born(self._founder(index))
            self._add_lasting(process, LASTING[index % len(LASTING)])
        for program in random.choices(EXECUTED, EXECUTED_WEIGHTS, k=number):
            process = self.fork(self.parent())
            become(process, program.exe, program.comm, program.arguments)
            self.execute(self.next_young())

    def _founder(self, index: int) -> Process:
        """Returns the parent of a lasting process: the tree grows deep first, then wide."""
        if index < len(LASTING):
            return self.first
        candidate = self.lasting[-1] if index % 3 else self._random.choice(self.lasting)
        return candidate if self._may_fork(candidate) else self.first

    def _add_lasting(self, process: Process, program: Program) -> None:
        process.is_lasting = True
        self.lasting.append(process)
        become(process, program.exe, program.comm, program.arguments)
        process.is_reaper = process is self.first or process.comm == "containerd-shim"
        self.give_addresses(process)
        process.cwd = "/"

    # --- choice of a process

    @property
    def size(self) -> int:
        """Number of passing processes."""
        return len(self.passing) + len(self.young)

    def any(self) -> Process:
        """Returns a process that can act now."""
        lasting, passing = self.lasting, self.passing
        both = len(lasting) + len(passing)
        for _ in range(_TRIES):
            index = int(self._random.random() * both)
            process = passing[index] if index < len(passing) else lasting[index - len(passing)]
            if not (process.is_busy or process.is_blocked):
                return process
        return next(p for p in (*lasting, *passing) if not (p.is_busy or p.is_blocked))

    def busy(self) -> Process:
        """Returns a process for calls on files: mostly one of a few, as in builds."""
        process = self.lasting[
            1 + int(self._random.random() * min(_WORKERS, len(self.lasting) - 1))
        ]
        is_free = not (process.is_busy or process.is_blocked)
        return process if is_free and self._random.random() < _WORKERS_SHARE else self.any()

    def parent(self) -> Process:
        """Returns a process that can fork: mostly a lasting one."""
        for _ in range(_TRIES):
            group = self.lasting if self._random.random() < 0.8 else self.passing or self.lasting
            process = group[int(self._random.random() * len(group))]
            if self._may_fork(process) and not (process.is_busy or process.is_blocked):
                return process
        return self.any()

    def ending(self) -> Process | None:
        """Returns a process that can end, if there is one."""
        return self._free(self.passing)

    def session(self, number: int) -> Process:
        """Returns the process of a login."""
        sessions = self.lasting[1 :: len(LASTING)] or [self.first]
        return sessions[number % len(sessions)]

    def _free(self, group: Sequence[Process]) -> Process | None:
        for _ in range(_TRIES if group else 0):
            process = group[int(self._random.random() * len(group))]
            if not (process.is_busy or process.is_blocked):
                return process
        return None

    def _may_fork(self, process: Process) -> bool:
        return process.depth < self._tree.depth and (
            process is self.first or len(process.children) < self._tree.fanout
        )

    # --- what happens to them

    def fork(self, parent: Process) -> Process:
        """Makes a child, which has not executed a program yet."""
        child = self._born(parent)
        self.young.append(child)
        return child

    def next_young(self) -> Process:
        """Returns the oldest of the young, which counts as settled from now on."""
        process = self.young.popleft()
        self.settle(process)
        return process

    def settle(self, process: Process) -> None:
        """Counts a process among those that act."""
        process.at = len(self.passing)
        self.passing.append(process)

    def execute(self, process: Process) -> None:
        """Gives a process that has executed a program new addresses."""
        self.give_addresses(process)
        process.caller = ""

    def change(self, process: Process, auid: int, ses: int) -> None:
        """Changes the login of a process."""
        process.auid, process.ses = auid, ses
        process.caller = ""

    def end(self, process: Process) -> None:
        """Removes a passing process; its orphans get another parent."""
        last = self.passing.pop()
        if last is not process:
            self.passing[process.at] = last
            last.at = process.at
        del self._by_pid[process.pid]
        parent = process.parent
        if parent is None:  # pragma: no cover - the first process stays
            return
        del parent.children[process]
        for child in process.children:
            child.parent = self._reaper(process, child)
            child.parent.children[child] = None
            child.depth = child.parent.depth + 1
            child.caller = ""

    def _reaper(self, process: Process, child: Process) -> Process:
        """Returns the new parent of an orphan: the nearest sub-reaper, or the first process.

        A sub-reaper must have been shown as an ancestor in the stream: else a consumer could not
        tell it from another process with the same pid.
        """
        reaper = process.parent
        while reaper is not None and not reaper.is_reaper:
            reaper = reaper.parent
        if reaper is None or (child.shown and reaper.pid not in child.ancestors):
            return self.first
        return reaper

    def _born(self, parent: Process) -> Process:
        process = Process(self._next_pid(), parent)
        self._by_pid[process.pid] = process
        return process

    def _next_pid(self) -> int:
        """Returns the next free pid; after the highest come the lowest that are not reserved."""
        while True:
            self._last_pid += 1
            if self._last_pid >= self._max_pid:
                self._last_pid = FIRST_REUSED_PID
            if self._last_pid not in self._by_pid:
                return self._last_pid

    def give_addresses(self, process: Process) -> None:
        """Draws addresses, which differ for each execution."""
        bits = self._random.getrandbits
        process.heap = f"55{0x10000 + bits(19):05x}"
        process.stack = f"7ff{bits(16):04x}"
        process.libraries = f"7f{0x10000 + bits(19):05x}"


def become(process: Process, exe: str, comm: str, arguments: Sequence[str]) -> None:
    """Sets the program of a process."""
    process.exe, process.comm = exe, comm
    process.title = f"proctitle={proctitle(arguments)}"

"""Makes fork, exec and exit events."""

from __future__ import annotations

from collections import Counter, deque
from math import sqrt
from random import Random
from typing import NamedTuple

from laurel_mp.loadtest.flood import programs, record_text
from laurel_mp.loadtest.flood.command_lines import CommandLines, Execution
from laurel_mp.loadtest.flood.flood_options import Options
from laurel_mp.loadtest.flood.frame import Frame
from laurel_mp.loadtest.flood.process import Process
from laurel_mp.loadtest.flood.record_frame import FCAPS

_STAYS = 0.03
"""Share of children that never execute anything: subshells."""

_AGAIN = 0.02
"""Share of execs by processes that have executed something before: `exec`, wrappers."""

_LATE = 0.1
"""With several CPUs: share of children whose exec is recorded before the fork that made them."""

_FAILS = 36 / 1858
_VFORK = 92 / 1864
_CLONE3 = 10 / 1864
"""Shares in tests/corpus/builds.raw.txt.xz."""


class Late(NamedTuple):
    """A fork whose child executed a program before the fork returned."""

    parent: Process
    child: Process
    stamp: str
    """Time of the call, which is the time of its event."""
    is_vfork: bool


class Lives(Frame):
    """Makes events that start, change and end processes."""

    def __init__(self, options: Options, random: Random) -> None:
        super().__init__(options, random)
        self._shows_forks = "fork" in options.mix
        self._shows_ends = options.shows_ends
        self._shows_execs = bool({"exec", "argv"} & options.mix.keys())
        # The fork takes the place of the exec that came in its own.
        self._late_share = _VFORK + (_LATE if options.interleave > 1 else 0.0)
        if "exec" not in options.mix:
            self._late_share = 0.0
        self._late: deque[Late] = deque()
        self._instead = Counter[str]()
        self._swaps = 0
        self._executions = CommandLines(random, self._style.program, self._number)

    def _may_be(self, instead: str, wanted: str) -> bool:
        """True if another kind may replace the wanted one, for which no process is available.

        Forks, execs and exits of a balanced mix drift apart by chance, and so much may be
        replaced; an unbalanced mix stays unbalanced.
        """
        most = 16 + 3 * sqrt(self._swaps)
        self._swaps += 1
        if self._instead[instead] - self._instead[wanted] > most:
            return False
        self._instead[instead] += 1
        self._instead[wanted] -= 1
        return True

    # --- fork

    def _fork(self) -> str:
        population = self.population
        if len(population.young) > population.most_young and self._may_be("exec", "fork"):
            return self._exec_of(population.next_young())
        if population.size >= population.most and (process := population.ending()):
            if self._shows_ends:
                self._may_be("exit", "fork")
                return self._exit_of(process)
            population.end(process)
        return self._fork_now()

    def _fork_now(self) -> str:
        population = self.population
        parent = population.parent()
        child = population.fork(parent)
        if self._draw() < self._late_share and parent.shown and not self._late:
            return self._fork_late(parent, child)
        if len(population.young) > population.most_young or not self._shows_execs:
            population.next_young()
        elif self._draw() < _STAYS:
            population.settle(population.young.pop())
        return self._fork_of(parent, child, "clone3" if self._draw() < _CLONE3 else "clone")

    def _fork_late(self, parent: Process, child: Process) -> str:
        """Makes the exec of the child first; with vfork always, as the parent waits for it."""
        parent.is_blocked = True
        is_vfork = self._draw() * self._late_share < _VFORK
        self._late.append(Late(parent, child, self._stamp, is_vfork))
        self.population.settle(self.population.young.pop())
        return self._exec_of(child)

    def _fork_of(self, parent: Process, child: Process, name: str) -> str:
        self.kind = "fork"
        is_new = self._is_new()
        parent.show(self.id, ())
        if name == "clone":
            call = f"syscall=56 success=yes exit={child.pid} a0=1200011 a1=0 a2=0"
            call = f"{call} a3={parent.libraries}42a10 items=0"
        elif name == "vfork":
            call = f"syscall=58 success=yes exit={child.pid} a0={parent.heap}595aa"
            call = f"{call} a1={parent.stack}65870 a2=0 a3=8 items=0"
        else:
            call = f"syscall=435 success=yes exit={child.pid} a0={parent.stack}7dc40 a1=58"
            call = f"{call} a2={parent.libraries}11ef0 a3=8 items=0"
        return self._syscall(parent, name, call, '"fork"') + self._close(parent, is_new=is_new)

    # --- exec

    def _exec(self) -> str:
        if self._late:
            late = self._late.popleft()
            late.parent.is_blocked = False
            self._identify(late.stamp, self._serial)
            return self._fork_of(late.parent, late.child, "vfork" if late.is_vfork else "clone")
        if self._draw() < _FAILS:
            return self._exec_failed(self.population.any())
        if not self.population.young and self._shows_forks and self._may_be("fork", "exec"):
            return self._fork_now()
        return self._exec_of(self._executing())

    def _executing(self) -> Process:
        """Returns the process that executes the next program."""
        population = self.population
        if not self._shows_forks:
            if population.size >= population.most and (process := population.ending()):
                population.end(process)  # if ends are shown, there are no more than exits make room
            population.fork(population.parent())
        if population.young and self._draw() > _AGAIN:
            return population.next_young()
        return population.ending() or population.any()

    def _exec_of(self, process: Process, execution: Execution | None = None) -> str:
        self.kind = "exec"
        is_new = self._is_new()
        if execution is None:
            execution = self._executions.next(is_new=is_new)
        exe, comm, title, records, size, paths, key, keys = execution
        process.show_exec(self.id, keys, exe, comm)
        process.title = title
        self.population.execute(process)
        self.command = size
        heap = process.heap
        call = f"syscall=59 success=yes exit=0 a0={heap}a6bd0 a1={heap}a6c10 a2={heap}9b790"
        call = f"{call} a3={self._bits(64):x} items={len(paths)}"
        start, m = self._node, self._m
        arguments = "".join([f"{start}type=EXECVE{m}{body}\n" for body in records])
        capabilities = FCAPS.replace("1fff", f"{self._number():04x}", 1) if is_new else FCAPS
        return (
            f"{self._syscall(process, 'execve', call, key)}{start}type=BPRM_FCAPS{m}{capabilities}"
            f"\n{arguments}{self._where(process, is_new=is_new)}{self._paths(*paths)}"
            f"{start}type=PROCTITLE{m}{title}\n{self._end}"
        )

    def _exec_failed(self, process: Process) -> str:
        """Makes a failed exec, of a search along PATH."""
        is_new = self._is_new()
        process.show(self.id, ())
        number = self._number() if is_new else 0
        name = f"/opt/rel/{number}/bin/run" if number else self._random.choice(programs.MISSING)
        call = f"syscall=59 success=no exit=-2 a0={process.stack}{self._suffix(is_new=is_new)}"
        call = f"{call} a1={process.stack}b7250 a2={process.heap}2d610 a3=0 items=1"
        return (
            self._syscall(process, "execve", call, '"exec"')
            + self._where(process, is_new=is_new)
            + self._paths(f"name={record_text.encoded(name)} {self._style.unknown}")
            + self._close(process, is_new=is_new)
        )

    def _argv(self) -> str:
        process = self._executing()
        found = self._exec_of(process, self._executions.next_long(is_new=self._is_new()))
        self.kind = "argv"
        return found

    # --- exit

    def _exit(self) -> str:
        population = self.population
        is_low = population.size < population.least
        if is_low and self._shows_forks and self._may_be("fork", "exit"):
            return self._fork_now()
        process = population.ending()
        if process is None:
            population.fork(population.parent())
            process = population.next_young()
        return self._exit_of(process)

    def _exit_of(self, process: Process) -> str:
        self.kind = "exit"
        is_new = self._is_new()
        process.show(self.id, ())
        address = f"{process.stack}{self._suffix(is_new=is_new)}"
        call = f"syscall=231 a0=0 a1=e7 a2=3c a3={address} items=0"
        found = self._syscall(process, "exit_group", call, '"exit"')
        found += self._close(process, is_new=is_new)
        self.population.end(process)
        return found

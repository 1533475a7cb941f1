"""Chooses programs and command lines, and renders their records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from laurel_mp.loadtest.flood import programs, record_text
from laurel_mp.loadtest.flood.draws import Draws
from laurel_mp.loadtest.flood.programs import Program

_LONG = 6
"""Number of long command lines that repeat."""


class Execution(NamedTuple):
    """Rendered records of an exec."""

    exe: str
    comm: str
    title: str
    records: Sequence[str]
    """Bodies of the EXECVE records."""
    size: tuple[int, int]
    """Number of arguments, and their length together."""
    paths: Sequence[str]
    key: str
    keys: tuple[str, ...]
    """Rule keys that may be labels."""


class CommandLines:
    """Chooses programs and command lines, and invents those that appear once.

    `behind` is the part of a PATH record after the inode; `number` returns another number each
    time.
    """

    def __init__(self, random: Random, behind: str, number: Callable[[], int]) -> None:
        self._bits = random.getrandbits
        self._behind = behind
        self._number = number
        executed = [self._execution(program) for program in programs.EXECUTED]
        self._executed = Draws(random, executed, programs.EXECUTED_WEIGHTS)
        self._long = [self._new_long() for _ in range(_LONG)]

    def next(self, *, is_new: bool) -> Execution:
        """Returns a common program, or one that appears once."""
        return self._new() if is_new else self._executed.next()

    def next_long(self, *, is_new: bool) -> Execution:
        """Returns an execution with a long command line."""
        return self._new_long() if is_new else self._long[self._bits(8) % _LONG]

    def _new(self) -> Execution:
        """Returns a program that appears once."""
        number = self._number()
        return self._made_up(number, f"--request={number}", f"/srv/in/{number}.dat")

    def _new_long(self) -> Execution:
        """Returns an execution whose arguments do not fit into one record."""
        number = self._number()
        if self._bits(1):
            names = [f"/srv/in/{number}/{index}.dat" for index in range(200 + self._bits(10))]
            return self._made_up(number, *names)
        piece = f"{number}: "
        size = record_text.MAX_EXECVE + self._bits(14)
        return self._made_up(number, "-c", piece * (1 + size // len(piece)))

    def _made_up(self, number: int, *arguments: str) -> Execution:
        exe = f"/srv/rel/{number}/bin/job-{number}"
        program = programs.program(exe, f"job-{number}", *arguments)
        return self._execution(program, f"/srv/rel/{number}/lib/ld.so", 50_000_000 + 3 * number)

    def _execution(
        self, program: Program, linker: str = "/lib64/ld-linux-x86-64.so.2", inode: int = 0
    ) -> Execution:
        files = [(program.script, program.inode + 7)] if program.script else []
        files += [(program.exe, inode or program.inode), (linker, inode + 1 if inode else 338_944)]
        paths = [f'name="{name}" inode={number} {self._behind}' for name, number in files]
        arguments = program.arguments
        keys = tuple(program.key.split("\x01"))
        return Execution(
            program.exe,
            program.comm,
            f"proctitle={record_text.proctitle(arguments)}",
            record_text.execve(arguments),
            (len(arguments), sum(map(len, arguments))),
            paths,
            record_text.encoded(program.key),
            keys if keys != ("exec",) else (),
        )

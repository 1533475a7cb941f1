"""An event in the making: its id, what is said of it, and the records that most events have."""

from __future__ import annotations

from random import Random

from laurel_mp.loadtest.flood import text
from laurel_mp.loadtest.flood.flood_options import Options
from laurel_mp.loadtest.flood.population import Population
from laurel_mp.loadtest.flood.process import Process
from laurel_mp.loadtest.flood.record_frame import Style


class Frame:
    """What all kinds of events have in common; the attributes hold until the next event."""

    def __init__(self, options: Options, random: Random) -> None:
        self._random = random
        self._draw = random.random
        self._bits = random.getrandbits
        self._unique = options.unique
        self._style = Style(options)
        self._node = self._style.node
        self._own = self._style.own
        self.population = Population(options.tree, random, shows_ends=options.shows_ends)
        self._count = 0
        """Values that were made up so far: what comes but once has a number."""
        self.id = ""
        self._stamp = ""
        self._serial = 0
        """What the id is made of."""
        self._m = ""
        """What is between the type of a record and its body."""
        self._end = ""
        """The end-of-event record, if there is one."""
        self.kind = ""
        """What the event is: not always what was asked for, as nobody may be there to do it."""
        self.actor: Process | None = None
        """Whose system call it is; nobody's if there is no SYSCALL record."""
        self.call = ""
        """The system call's name."""
        self.command: tuple[int, int] | None = None
        """Of an exec: how many arguments, and how long they are together."""

    def _identify(self, stamp: str, serial: int) -> None:
        self._stamp, self._serial = stamp, serial
        id_ = self.id = f"{stamp}:{serial}"
        self._m = f" msg=audit({id_}): "
        end = self._style.end
        self._end = end % id_ if end else ""

    def _is_new(self) -> bool:
        """Whether this event's records are to be the only ones of their kind."""
        return self._draw() < self._unique

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _suffix(self, *, is_new: bool) -> str:
        """The end of an address: one that is a process's own, as it does the same again."""
        return f"{self._number():05x}" if is_new else "b7250"

    # --- records

    def _syscall(self, process: Process, name: str, call: str, key: str) -> str:
        """A SYSCALL record; `call` is what stands from `syscall=` to `items=`."""
        self.actor = process
        self.call = name
        if not process.who:
            process.write(enriched=bool(self._own))
        own = f"{self._own}{name}{process.names}" if self._own else ""
        return f"{self._node}type=SYSCALL{self._m}arch=c000003e {call}{process.who}{key}{own}\n"

    def _where(self, process: Process, *, is_new: bool) -> str:
        """CWD."""
        cwd = f"/srv/site/{self._number()}" if is_new else process.cwd
        return f'{self._node}type=CWD{self._m}cwd="{cwd}"\n'

    def _paths(self, *bodies: str) -> str:
        """PATH records."""
        start = f"{self._node}type=PATH{self._m}item="
        return "".join([f"{start}{item} {body}\n" for item, body in enumerate(bodies)])

    def _close(self, process: Process, *, is_new: bool) -> str:
        """PROCTITLE and EOE."""
        title = process.title
        if is_new:
            title = f"proctitle={text.hexed(f'worker: request {self._number()}')}"
        return f"{self._node}type=PROCTITLE{self._m}{title}\n{self._end}"

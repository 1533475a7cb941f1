"""Makes the records that most events have."""

from __future__ import annotations

from random import Random

from laurel_mp.loadtest.flood import record_text
from laurel_mp.loadtest.flood.flood_options import Options
from laurel_mp.loadtest.flood.population import Population
from laurel_mp.loadtest.flood.process import Process
from laurel_mp.loadtest.flood.record_frame import Style


class Frame:
    """Base of all makers of events; its attributes describe the last event."""

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
        """Number of invented values so far; each has its number in it."""
        self.id = ""
        self._stamp = ""
        self._serial = 0
        """Parts of the id."""
        self._m = ""
        """Text between the type of a record and its body."""
        self._end = ""
        """The EOE record, if the stream has any."""
        self.kind = ""
        """Kind of the event; another than the wanted one if no process was available for that."""
        self.actor: Process | None = None
        """Process of the SYSCALL record; None without one."""
        self.call = ""
        """The system call's name."""
        self.command: tuple[int, int] | None = None
        """Number of arguments of an exec, and their length together."""

    def _identify(self, stamp: str, serial: int) -> None:
        self._stamp, self._serial = stamp, serial
        id_ = self.id = f"{stamp}:{serial}"
        self._m = f" msg=audit({id_}): "
        end = self._style.end
        self._end = end % id_ if end else ""

    def _is_new(self) -> bool:
        """True if the records of this event must not repeat."""
        return self._draw() < self._unique

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _suffix(self, *, is_new: bool) -> str:
        """Returns the last digits of an address, which repeat unless `is_new`."""
        return f"{self._number():05x}" if is_new else "b7250"

    # --- records

    def _syscall(self, process: Process, name: str, call: str, key: str) -> str:
        """Returns a SYSCALL record; `call` is the part from `syscall=` to `items=`."""
        self.actor = process
        self.call = name
        if not process.caller:
            process.write(enriched=bool(self._own))
        own = f"{self._own}{name}{process.names}" if self._own else ""
        return f"{self._node}type=SYSCALL{self._m}arch=c000003e {call}{process.caller}{key}{own}\n"

    def _where(self, process: Process, *, is_new: bool) -> str:
        """Returns a CWD record."""
        cwd = f"/srv/site/{self._number()}" if is_new else process.cwd
        return f'{self._node}type=CWD{self._m}cwd="{cwd}"\n'

    def _paths(self, *bodies: str) -> str:
        """Returns PATH records."""
        start = f"{self._node}type=PATH{self._m}item="
        return "".join([f"{start}{item} {body}\n" for item, body in enumerate(bodies)])

    def _close(self, process: Process, *, is_new: bool) -> str:
        """PROCTITLE and EOE."""
        title = process.title
        if is_new:
            title = f"proctitle={record_text.hexed(f'worker: request {self._number()}')}"
        return f"{self._node}type=PROCTITLE{self._m}{title}\n{self._end}"

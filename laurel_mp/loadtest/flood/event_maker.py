"""Makes events of any kind."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from laurel_mp.loadtest.flood.acts import Acts
from laurel_mp.loadtest.flood.flood_options import Options
from laurel_mp.loadtest.flood.lives import Lives


class EventMaker(Lives, Acts):
    """Makes events of any kind."""

    def __init__(self, options: Options, random: Random) -> None:
        super().__init__(options, random)
        self._makers: dict[str, Callable[[], str]] = {
            "fork": self._fork,
            "exit": self._exit,
            "exec": self._exec,
            "argv": self._argv,
            "socket": self._socket,
            "connect": self._connect,
            "file": self._file,
            "open": self._open,
            "config": self._config,
            "login": self._login,
            "avc": self._avc,
            "uring": self._uring,
        }

    def make(self, kind: str, stamp: str, serial: int) -> str:
        """Returns an event as whole lines; the attribute `kind` may differ from the wanted `kind`.

        `stamp` is the time in its id.
        """
        self.kind = kind
        self.actor = self.command = None
        self._identify(stamp, serial)
        return self._makers[kind]()

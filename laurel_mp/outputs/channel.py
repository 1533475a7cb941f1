"""Lines for somebody who reads them: what was not read may have to be sent again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from laurel_mp.outputs.base import Output, Wrote, ignore
from laurel_mp.outputs.patience import LOOK, StallPolicy, Watched

PIECE = 1 << 16
"""Bytes that are handed over at once."""

FIRST_NAP = 0.0001
LONGEST_NAP = 0.02


class Channel(Output):
    """An output whose text counts as written when the other side has read it.

    What is on its way when the other side goes, or this process, would be gone; so nothing is left
    on its way: `write` waits until all is read. When the other side goes before, its successor
    gets everything from the first line on that was not read whole: a line may come twice, but
    none is lost. What the other side does with what it has read is its own affair.
    """

    def __init__(self, patience: StallPolicy) -> None:
        self.name = patience.name
        self._patience = patience

    def write(self, text: bytes, wrote: Wrote = ignore, start: int = 0) -> None:
        """Hands lines over, and waits until they are read."""
        self._patience.start()
        start = _whole(text, start)
        while start < len(text):
            self._connect()
            start = self._deliver(text, start, wrote)

    def _deliver(self, text: bytes, start: int, wrote: Wrote) -> int:
        """Sends to whoever is there now; returns up to where whole lines are read."""
        sent = read = start
        broken = False
        nap = FIRST_NAP
        view = memoryview(text)
        while True:
            gone = self._is_gone() or broken
            before, read = read, self._read(sent, read)
            if read > before:
                self._patience.moved()
                nap = FIRST_NAP
                if (lines := len(text) if read == len(text) else _whole(text, read)) > start:
                    start = lines
                    wrote(start)
            if gone:
                self._disconnect()
                return start
            if start == len(text):
                return start
            try:
                sent += self._send(view[sent : sent + PIECE]) if sent < len(text) else 0
            except BlockingIOError:
                self._patience.wait(LOOK, self.slow, self._watched(to_send=True))
            except ConnectionError:
                broken = True
            except OSError as error:
                self._patience.fail(error)
            else:
                if sent == len(text):
                    # Nothing tells when all is read: look again and again, less and less often.
                    self._patience.wait(nap, self.slow, self._watched(to_send=False))
                    nap = min(nap * 2, LONGEST_NAP)

    slow = "its reader is slow"
    """Why it may hold back."""

    @abstractmethod
    def _connect(self) -> None:
        """Returns when there is somebody to send to."""

    @abstractmethod
    def _disconnect(self) -> None:
        """The other side has gone."""

    @abstractmethod
    def _is_gone(self) -> bool:
        """Whether the other side has gone: it reads no more than it has read by now."""

    @abstractmethod
    def _read(self, sent: int, read: int) -> int:
        """Up to where the other side has read, after `sent`, if it had read up to `read` before."""

    @abstractmethod
    def _send(self, data: memoryview) -> int:
        """Sends without waiting; how much. Raises OSError."""

    @abstractmethod
    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        """What ends a wait early: that there is room, that the other side has gone."""


def _whole(text: bytes, size: int) -> int:
    """Up to where there are whole lines."""
    return text.rfind(b"\n", 0, size) + 1

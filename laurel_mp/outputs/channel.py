"""The base of sinks with a reader: a line counts as written when it was read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from laurel_mp.outputs.open_sink import OpenSink, Wrote, ignore
from laurel_mp.outputs.stall_policy import LOOK, StallPolicy, Watched

PIECE = 1 << 16
"""Bytes that are sent at once."""

FIRST_NAP = 0.0001
LONGEST_NAP = 0.02


class Channel(OpenSink):
    """A sink whose text counts as written when the reader has taken it.

    Bytes in a pipe or socket are lost if both ends die. So `write` leaves none there: it waits
    until all is read. If the reader goes away earlier, its successor gets everything from the
    first line on that was not read whole: a line may come twice, none is lost. What the reader
    does with a line that it has read is its own affair.
    """

    def __init__(self, policy: StallPolicy) -> None:
        self.name = policy.name
        self._policy = policy

    def write(self, text: bytes, wrote: Wrote = ignore, start: int = 0) -> None:
        """Sends lines, and waits until they are read."""
        self._policy.start()
        start = _whole(text, start)
        while start < len(text) or self._owes:
            self._connect()
            start = self._deliver(text, start, wrote)

    def _deliver(self, text: bytes, start: int, wrote: Wrote) -> int:
        """Sends to the present reader; returns the position up to which it read whole lines."""
        sent = read = start
        broken = False
        nap = FIRST_NAP
        view = memoryview(text)
        while True:
            gone = self._is_gone() or broken
            before, read = read, self._read(sent, read)
            if read > before:
                self._policy.moved()
                nap = FIRST_NAP
                if (lines := len(text) if read == len(text) else _whole(text, read)) > start:
                    start = lines
                    wrote(start)
            if gone:
                self._disconnect()
                return start
            if start == len(text) and not self._owes:
                return start
            try:
                if sent < len(text) or self._owes:
                    sent += self._send(view, sent)
            except BlockingIOError:
                self._policy.wait(LOOK, self.slow, self._watched(to_send=True))
            except ConnectionError:
                broken = True
            except OSError as error:
                self._policy.fail(error)
            else:
                if sent == len(text):
                    # Nothing wakes us when all is read: poll, less and less often.
                    self._policy.wait(nap, self.slow, self._watched(to_send=False))
                    nap = min(nap * 2, LONGEST_NAP)

    slow = "its reader is slow"
    """Reason for a stall, in messages."""

    @property
    def _owes(self) -> bool:
        """True if earlier lines, whose `write` has returned, have to be sent once more."""
        return False

    @abstractmethod
    def _connect(self) -> None:
        """Returns when there is a reader."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Forgets a reader that has gone."""

    @abstractmethod
    def _is_gone(self) -> bool:
        """True if the reader has gone: it will read no more than it has read by now."""

    @abstractmethod
    def _read(self, sent: int, read: int) -> int:
        """Returns the position up to which the reader has read: from `read` to `sent`."""

    @abstractmethod
    def _send(self, text: memoryview, start: int) -> int:
        """Sends some of `text` from `start` on without waiting; returns how much.

        Raises BlockingIOError if there is no room, ConnectionError if the reader has gone.
        """

    @abstractmethod
    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        """Returns what ends a wait early: room to send, or the end of the reader."""


def _whole(text: bytes, size: int) -> int:
    """Returns the end of the last whole line before `size`."""
    return text.rfind(b"\n", 0, size) + 1

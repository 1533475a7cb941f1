"""The interface of an event format."""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple


class Identity(NamedTuple):
    """An event id, and the node if the event names one: unique in the stream."""

    id: bytes
    """As in `1795332283.711:40649`."""
    node: bytes | None

    @property
    def key(self) -> bytes:
        """Both as one text: `id`, or `node id`."""
        return self.id if self.node is None else self.node + b" " + self.id


class EventFormat(ABC):
    """Converts events, and finds them again in what was written."""

    name: str
    """Key in `laurel_mp.formats.registry`, and value of `Sink.format`. No setting names it yet."""

    @abstractmethod
    def convert(self, text: bytes) -> bytes:
        """Returns native events, one a line, in this format, one a line and in the same order."""

    @abstractmethod
    def identity(self, line: bytes) -> Identity | None:
        """Returns the identity of the event in one line; None if it holds no event."""

    @abstractmethod
    def identities(self, text: bytes | mmap.mmap, start: int = 0) -> Iterator[Identity]:
        """Yields the identities of all events in written lines, from `start` on.

        `start` may be within a line. After a crash this tells which events are written already.
        """

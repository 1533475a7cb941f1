"""Text that a writer left unwritten, by its journal and by the files themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from laurel_mp.outputs.journal import Entry, Journal
from laurel_mp.outputs.open_sink import Mark

UNKNOWN = Mark("", 0, 0, 0)
"""For the journal: the sink is a file, which no longer shows how much was written."""


class Unwritten(NamedTuple):
    """The rest of a text, from the beginning of a line."""

    text: bytes
    torn: int
    """Number of bytes of its first line that are in the file already."""


class Pending(NamedTuple):
    """The rest of a batch; all batches before it are written."""

    batch: int
    """-1 if there was none yet."""
    texts: Mapping[str, Unwritten]
    """By name of the sink; only sinks with a rest."""

    def to_plain(self) -> list[object]:
        """Returns lists, strings and numbers, for msgpack."""
        return [self.batch, {name: list(text) for name, text in self.texts.items()}]

    @classmethod
    def of_plain(cls, value: object) -> Pending:
        """Reverses `to_plain`; raises ValueError for anything else."""
        match value:
            case [int(batch), dict(texts)]:
                return cls(batch, {_name(key): _unwritten(each) for key, each in texts.items()})
            case _:
                raise ValueError("not an unwritten batch")


_FORMER_NAMES = {"events": "auditlog", "filtered": "filterlog", "malformed": "parse-error-log"}
"""Names in state files of versions before 0.2."""


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not the name of a sink")  # noqa: TRY004 - it is data, from a file
    return _FORMER_NAMES.get(value, value)


def _unwritten(value: object) -> Unwritten:
    match value:
        case [bytes(text), int(torn)] if 0 <= torn <= len(text):
            return Unwritten(text, torn)
        case _:
            raise ValueError("not an unwritten text")


def read(journal: Journal) -> Pending:
    """Returns what a writer that has ended left."""
    batch, entries = journal.read()
    found = {}
    for entry in entries:
        written = _written(entry)
        if written < len(entry.text):
            start = entry.text.rfind(b"\n", 0, written) + 1
            torn = written - start if entry.mark else 0
            found[entry.name] = Unwritten(entry.text[start:], torn)
    return Pending(batch, found)


def restore(journal: Journal, pending: Pending) -> None:
    """Puts what another run left into the journal, for the next writer."""
    left = pending.texts
    texts = {name: text for name, (text, _) in left.items()}
    journal.begin(pending.batch, texts, [UNKNOWN] * len(left))
    for index, (_, torn) in enumerate(left.values()):
        journal.wrote(index, torn, UNKNOWN)


def _written(entry: Entry) -> int:
    """Returns the number of written bytes: those noted, and those the file got since then.

    A writer that was killed between writing and noting has not rotated the file in between; at
    most it was about to. So the file is at its path, or is the first generation, or it is gone,
    and then no byte is missing: there is a note before each rotation.
    """
    mark = entry.mark
    if mark is None or mark == UNKNOWN:
        return entry.written
    for path in (mark.path, f"{mark.path}.1"):
        try:
            status = os.stat(path)  # noqa: PTH116 - of standard output, too
        except OSError:
            continue
        if (status.st_dev, status.st_ino) == (mark.device, mark.inode):
            more = max(status.st_size - mark.offset, 0)
            return min(entry.written + more, len(entry.text))
    return entry.written

"""What a writer has left unwritten, as its journal and the files themselves tell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from laurel_mp.outputs.base import Mark
from laurel_mp.outputs.journal import Entry, Journal

UNKNOWN = Mark("", 0, 0, 0)
"""For the journal: it is a file, but what is written cannot be seen from it any more."""


class Unwritten(NamedTuple):
    """What is left of a text, from the beginning of a line."""

    text: bytes
    torn: int
    """How many bytes of its first line stand in the output already."""


class Pending(NamedTuple):
    """What is left of a batch; all that came before it is written."""

    batch: int
    """-1 if there was none yet."""
    texts: Mapping[str, Unwritten]
    """By what the output is for; only those of which something is left."""

    def to_plain(self) -> list[object]:
        """For msgpack."""
        return [self.batch, {name: list(text) for name, text in self.texts.items()}]

    @classmethod
    def of_plain(cls, value: object) -> Pending:
        """The reverse; raises ValueError for anything else."""
        match value:
            case [int(batch), dict(texts)]:
                return cls(batch, {_name(key): _unwritten(each) for key, each in texts.items()})
            case _:
                raise ValueError("not what a writer has left")


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not the name of an output")  # noqa: TRY004 - it is data, from a file
    return value


def _unwritten(value: object) -> Unwritten:
    match value:
        case [bytes(text), int(torn)] if 0 <= torn <= len(text):
            return Unwritten(text, torn)
        case _:
            raise ValueError("not an unwritten text")


def read(journal: Journal, names: tuple[str, ...]) -> Pending:
    """What a writer that has ended has left; `names` are those of its outputs, in order."""
    batch, entries = journal.read()
    found = {}
    for name, entry in zip(names, entries, strict=False):
        written = _written(entry)
        if written < len(entry.text):
            start = entry.text.rfind(b"\n", 0, written) + 1
            torn = written - start if entry.mark else 0
            found[name] = Unwritten(entry.text[start:], torn)
    return Pending(batch, found)


def restore(journal: Journal, pending: Pending, names: tuple[str, ...]) -> None:
    """Puts what another run has left into the journal, for the next writer."""
    left = [pending.texts.get(name, Unwritten(b"", 0)) for name in names]
    journal.begin(pending.batch, [text for text, _ in left], [UNKNOWN] * len(left))
    for index, (_, torn) in enumerate(left):
        journal.wrote(index, torn, UNKNOWN)


def _written(entry: Entry) -> int:
    """How much is written: what was noted, and what the file got since then.

    Whoever was killed between writing and noting has not rotated the file in between; at most it
    was about to. So it is the one at that path, or the first behind it, or it is gone, and then
    no byte is missing: there is a note before each rotation.
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
